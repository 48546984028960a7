"""`OCRClient`: image in, text out, with the arm that read it."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
import uuid
import weakref
from collections.abc import Callable, Generator, Iterable
from types import TracebackType
from typing import TYPE_CHECKING

from ocr_preprocessing.load import Source
from ocr_rollout.core.routing import Arm

from .config import ClientConfig
from .deadline import Deadline
from .errors import OCRError
from .fallback import Attempt, answer
from .fan_out import in_order
from .request import loaded, parsed_arm, result_of, routed
from .results import LineResult, Reading
from .session import Session, Snapshot
from .standing import Standing
from .transport import Transport

if TYPE_CHECKING:
    from typing_extensions import Self

log = logging.getLogger("ocr_client")


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
    def from_config(cls, where: str | os.PathLike[str]) -> OCRClient:
        """Raises ConfigError naming the key, its value and what is accepted.

        where: a file, or the http:// or https:// URL of a configuration centre. While the client
            is in use it is watched, and what changes there is taken over (`reconfigure`); a
            mistake is logged and leaves everything as it was.
        """
        from .watch import Watch  # noqa: PLC0415  # loads native code

        watch = Watch(where, lambda config: session.reconfigure(config))  # noqa: PLW0108  # not there yet
        client = cls(watch.config)
        session = client._session  # not the client: a watch must not keep it alive
        session.watch = watch
        return client

    def recognize(
        self, image: Source, *, user_id: str | None = None, arm: Arm | str | None = None
    ) -> LineResult:
        """Raises OCRError: `owner` says whose fault it is.

        image: one line of text: a path, the bytes of an image file, a PIL image, or an array
            (H, W), (H, W, 3) in BGR or (H, W, 4) in BGRA.
        user_id: part of what decides the arm; see `sticky` in the configuration.
        arm: this arm or an error, no fallback; for everything that measures an arm.
        """
        started_s = self._clock()
        session = self._session
        forced = parsed_arm(arm)
        snapshot = session.begin()
        with session.in_flight:
            try:
                result = self._read(snapshot, image, user_id, forced, started_s)
            except OCRError as error:
                session.metrics.count("ocr_client_failed_total", error=type(error).__name__)
                raise
        session.metrics.count(
            "ocr_client_requests_total", arm=str(result.arm), reason=result.reason
        )
        return result

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
    def rollout(self) -> Standing:
        """Where the rollout stands that this client follows."""
        return Standing.of(self._session.begin().member.view)

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

    def _read(
        self,
        snapshot: Snapshot,
        image: Source,
        user_id: str | None,
        forced: Arm | None,
        started_s: float,
    ) -> LineResult:
        session, config = self._session, snapshot.config
        gray = loaded(image, config.limits.max_pixels)
        view = snapshot.member.view
        request = routed(
            view, image, gray, user_id=user_id, request_id=self._new_id(), forced=forced
        )
        session.connections.use(snapshot.transport)

        def read(arm: Arm, deadline: Deadline, *, last_resort: bool) -> Reading:
            return snapshot.reader.read(
                arm,
                gray,
                name=request.name,
                deadline=deadline,
                request_id=request.request_id,
                last_resort=last_resort,
            )

        def attempted(attempt: Attempt) -> None:
            session.attempted(snapshot, request, attempt)

        answered = answer(
            request.assignment,
            view.table.stable,
            read,
            deadline=Deadline(started_s + config.triton.deadline_s, self._clock),
            candidate_deadline_s=config.triton.candidate_deadline_s,
            examine=session.norms.learn,
            attempted=attempted,
            rescue=session.rescue(config),
        )
        if answered.rescue is not None:
            session.metrics.count("ocr_client_rescues_total", result=answered.rescue)
        result = result_of(request, answered, (self._clock() - started_s) * 1e3)
        if answered.fault is not None:
            log.warning(
                "request %s: %s failed, %s answered instead: %s: %s",
                result.request_id,
                request.assignment.arm,
                result.arm,
                type(answered.fault).__name__,
                answered.fault,
            )
        elif result.rescued:  # often a blank image, so no warning
            log.info("request %s: %s; %s answered", result.request_id, result.fault, result.arm)
        return result

    def _leave(self, *, thread_ends: bool) -> None:
        session = self._session
        session.connections.close(session.transport, thread_ends=thread_ends)


def _end(session: Session) -> None:
    """Of a client that nobody has closed. In a thread of its own: the garbage collector may call
    this in any thread, in those that are to be ended as well.
    """
    with contextlib.suppress(RuntimeError):  # the interpreter ends, and closes it by itself
        threading.Thread(target=session.close, name="ocr-session-end", daemon=True).start()
