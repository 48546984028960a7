"""`OCRClient`: image in, text out, with the arm that read it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import threading
import time
import uuid
import weakref
from collections.abc import Callable, Generator, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from ocr_preprocessing.fast import Gray
from ocr_preprocessing.load import Source
from ocr_rollout.core.routing import Arm

from .asking import answered
from .config import ClientConfig
from .errors import OCRError
from .fallback import Answer
from .fan_out import in_order
from .pages.sheet import A_LINE, Sheet, looked_at
from .request import Request, loaded, page_result_of, parsed_arm, result_of, routed
from .results import LineResult, PageResult
from .reviews.feedback import Answered
from .session import Session, Snapshot
from .standing import Standing
from .transport import Transport

if TYPE_CHECKING:
    from typing_extensions import Self

R = TypeVar("R", bound=LineResult)


class OCRClient:
    """Reads images of text through Triton. Safe in threads; create it after a fork.

    Methods that read raise OCRError and nothing else (see `ocr_client.errors`). The first of them
    takes up this process's part in the rollout: its share is the one that all processes have, its
    outcomes are counted with theirs, and a candidate that goes bad is taken back. `close`, or
    leaving the `with` block, ends that; a store that is down never stops reading.
    """

    def __init__(
        self,
        config: ClientConfig | None = None,
        *,
        transport: Transport | None = None,
        clock: Callable[[], float] = time.monotonic,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._session = Session(config or ClientConfig(), transport, clock)
        self._clock = clock
        self._new_id = new_id
        self._forgotten = weakref.finalize(self, _end, self._session)
        self._forgotten.atexit = False  # the session sees to it itself

    @classmethod
    def from_config(
        cls,
        where: str | os.PathLike[str],
        *,
        amend: Callable[[ClientConfig], ClientConfig] = lambda config: config,
    ) -> OCRClient:
        """Raises ConfigError naming the key, its value and what is accepted.

        where: a file, or the http:// or https:// URL of a configuration centre. While the client
            is in use it is watched, and what changes there is taken over (`reconfigure`); a
            mistake is logged and leaves everything as it was.
        amend: what a command line says in place of the file, each time that it is read.
        """
        from .watch import Watch  # noqa: PLC0415  # loads native code

        watch = Watch(where, lambda config: session.reconfigure(amend(config)))
        client = cls(amend(watch.config))
        session = client._session  # not the client: a watch must not keep it alive
        session.watch = watch
        return client

    def recognize(
        self,
        image: Source,
        *,
        user_id: str | None = None,
        arm: Arm | str | None = None,
        request_id: str | None = None,
    ) -> LineResult:
        """Raises OCRError: `owner` says whose fault it is.

        image: one line of text: a path, the bytes of an image file, a PIL image, or an array
            (H, W), (H, W, 3) in BGR or (H, W, 4) in BGRA.
        user_id: part of what decides the arm; see `sticky` in the configuration.
        arm: this arm or an error, no fallback; for everything that measures an arm.
        request_id: of the caller's own; a new one where it is left out.
        """
        return self._asked(image, user_id, arm, request_id, lambda *_: A_LINE, result_of)

    def recognize_page(
        self,
        image: Source,
        *,
        user_id: str | None = None,
        arm: Arm | str | None = None,
        request_id: str | None = None,
        line: bool | None = None,
        upright: bool = False,
    ) -> PageResult:
        """Raises OCRError: `owner` says whose fault it is.

        The same of an image with any number of lines: a scan, a receipt, a photo. One request,
        one arm, one outcome, however many lines there are; stable answers for all of them where
        the candidate fails. A page without text is a result with an empty text and a reason.

        line: True: one line of text; False: a page; None: the image decides, and `mode_reason`
            says why.
        upright: the page is not turned; its other sides are not looked at, however badly it reads.
        """

        def look(gray: Gray, snapshot: Snapshot) -> Sheet:
            sheet = looked_at(gray, snapshot.config.pages, snapshot.finder, line=line)
            return dataclasses.replace(sheet, upright=upright)

        return self._asked(image, user_id, arm, request_id, look, page_result_of)

    def recognize_many(
        self,
        images: Iterable[Source],
        *,
        user_id: str | None = None,
        arm: Arm | str | None = None,
    ) -> Generator[LineResult | OCRError, None, None]:
        """Yields a result or an error for each image, in order, as they come. Raises BadArmError.

        Each image is a request of its own: its arm, its deadline, its fallback. `concurrency`
        of them are under way at a time.
        """
        forced = parsed_arm(arm)

        def read(image: Source) -> LineResult | OCRError:
            try:
                return self.recognize(image, user_id=user_id, arm=forced)
            except OCRError as error:
                return error

        return in_order(
            read,
            images,
            threads=self._session.config.triton.concurrency,
            leave=lambda: self._leave(thread_ends=True),
        )

    def reconfigure(self, config: ClientConfig) -> None:
        """From now on, all at once; requests under way finish on what they began with.

        Raises ConfigError, and nothing has changed, where it takes a restart: another store.
        """
        self._session.reconfigure(config)

    @property
    def config(self) -> ClientConfig:
        """In use now; another record after a reload."""
        return self._session.config

    @property
    def where(self) -> str:
        """What the configuration is called, for people: its file, or its URL without secrets."""
        watch = self._session.watch
        return "the configuration" if watch is None else watch.name

    @property
    def rollout(self) -> Standing:
        """Where the rollout stands that this client follows."""
        return Standing.of(self._session.begin().member.view)

    def check(self, arm: Arm | None = None, *, timeout_s: float = 1.0) -> None:
        """Raises OCRError where an arm could not be asked now: it is not loaded, nothing answers.

        arm: stable where it is left out. No image is read, and nothing is counted.
        """
        snapshot = self._session.begin()
        asked = arm or snapshot.member.view.table.stable
        self._session.connections.use(snapshot.transport)
        snapshot.transport.describe(asked, timeout_s=timeout_s)

    def feedback(
        self,
        request_id: str,
        *,
        right: bool,
        text: str = "",
        user_id: str | None = None,
        answered: Answered | None = None,
    ) -> None:
        """What a user says of an answer, for reviewers; of one request the last word counts.

        Raises StoreError where it cannot be kept, and RefusedError, one line, for what cannot be.

        text: as it should be. answered: of a request that is no sample of the reviewers'.
        """
        box = self._session.feedback_box()
        box.put(request_id, right=right, text=text, user_id=user_id, answered=answered)

    def metrics(self) -> dict[str, float]:
        """`name{label="value",...}` -> value, as Prometheus names them; see `ocr_client.report`."""
        return self._session.measured()

    def close(self, *, thread_ends: bool = False) -> None:
        """Sends what was counted, ends the threads, and closes the calling thread's connection.

        The next call would begin anew. Each thread has a connection of its own, which only it can
        close:

        thread_ends: for the last call in a thread that is not the main one: nothing but what was
            kept for this thread goes, its event loop with two open files included. A program
            with ever new threads needs it.
        """
        if not thread_ends:
            self._session.close()
        self._leave(thread_ends=thread_ends)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _asked(
        self,
        image: Source,
        user_id: str | None,
        arm: Arm | str | None,
        request_id: str | None,
        look: Callable[[Gray, Snapshot], Sheet],
        result: Callable[[Request, Answer, float], R],
    ) -> R:
        started_s = self._clock()
        session = self._session
        forced = parsed_arm(arm)
        snapshot = session.begin()
        with session.in_flight:
            session.connections.use(snapshot.transport)  # a finder of lines may be asked first
            try:
                gray = loaded(image, snapshot.config.limits.max_pixels)
                request = routed(
                    snapshot.member.view,
                    image,
                    gray,
                    user_id=user_id,
                    request_id=request_id or self._new_id(),
                    forced=forced,
                    sheet=look(gray, snapshot),
                )
                answer = answered(
                    session, snapshot, request, started_s=started_s, clock=self._clock
                )
            except OCRError as error:
                session.metrics.count("ocr_client_failed_total", error=type(error).__name__)
                raise
        found = result(request, answer, (self._clock() - started_s) * 1e3)
        session.metrics.count("ocr_client_requests_total", arm=str(found.arm), reason=found.reason)
        return found

    def _leave(self, *, thread_ends: bool) -> None:
        session = self._session
        session.connections.close(session.transport, thread_ends=thread_ends)


def _end(session: Session) -> None:
    """Of a client that nobody has closed. In a thread of its own: the garbage collector may call
    this in any thread, in those that are to be ended as well.
    """
    with contextlib.suppress(RuntimeError):  # the interpreter ends, and closes it by itself
        threading.Thread(target=session.close, name="ocr-session-end", daemon=True).start()
