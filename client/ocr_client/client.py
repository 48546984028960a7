"""`OCRClient`: image in, text out, with the arm that read it."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import os
import time
import uuid
from collections.abc import Callable, Generator, Iterable
from types import TracebackType
from typing import TYPE_CHECKING

from ocr_preprocessing.errors import ImageError
from ocr_preprocessing.fast import Gray
from ocr_preprocessing.load import Source, load_image
from ocr_rollout.core.routing import (
    Arm,
    Assignment,
    RouteTable,
    RoutingError,
    bucket_of,
    choose_arm,
    route_key,
)

from .config import ClientConfig
from .deadline import Deadline
from .errors import BadArmError, BadImageError, OCRError
from .fallback import Answer, answer
from .fan_out import in_order
from .reading import LineReader
from .results import LineResult, Reading
from .transport import Transport, TritonTransport

if TYPE_CHECKING:
    from typing_extensions import Self

log = logging.getLogger("ocr_client")


@dataclasses.dataclass(frozen=True)
class _Snapshot:
    """All that a request looks at. Never changed: another configuration is another snapshot."""

    config: ClientConfig
    table: RouteTable


class OCRClient:
    """Reads images of text through Triton. Safe in threads; create it after a fork.

    Methods that read raise OCRError and nothing else (see `ocr_client.errors`). Each thread has
    a connection of its own: `close`, or leaving the `with` block, closes the calling thread's.
    """

    def __init__(
        self,
        config: ClientConfig | None = None,
        *,
        transport: Transport | None = None,
        clock: Callable[[], float] = time.monotonic,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        config = config or ClientConfig()
        self._snapshot = _Snapshot(config, config.model_routing.table())
        self._transport = transport or TritonTransport(
            config.triton.urls, connect_timeout_s=config.triton.connect_timeout_s
        )
        self._reader = LineReader(self._transport)
        self._clock = clock
        self._new_id = new_id

    @classmethod
    def from_config(cls, path: str | os.PathLike[str]) -> OCRClient:
        """Raises ConfigError naming the key, its value and what is accepted."""
        return cls(ClientConfig.load(path))

    def recognize(
        self, image: Source, *, user_id: str | None = None, arm: Arm | str | None = None
    ) -> LineResult:
        """Raises OCRError: `owner` says whose fault it is.

        image: one line of text: a path, the bytes of an image file, a PIL image, or an array
            (H, W), (H, W, 3) in BGR or (H, W, 4) in BGRA.
        user_id: part of what decides the arm; see `sticky` in the configuration.
        arm: this arm or an error, no fallback; for everything that measures an arm.
        """
        started = self._clock()
        snapshot = self._snapshot
        deadline = Deadline(started + snapshot.config.triton.deadline_s, self._clock)
        forced = _parsed(arm)
        gray = _loaded(image, snapshot.config.limits.max_pixels)
        request_id = self._new_id()
        assignment = _assigned(snapshot, gray, user_id, request_id, forced)
        name = os.fspath(image) if isinstance(image, str | os.PathLike) else "the image"

        def read(arm: Arm, deadline: Deadline) -> Reading:
            return self._reader.read(arm, gray, name=name, deadline=deadline, request_id=request_id)

        answered = answer(
            assignment,
            snapshot.table.stable,
            read,
            deadline=deadline,
            candidate_deadline_s=snapshot.config.triton.candidate_deadline_s,
        )
        if answered.fault is not None:
            log.warning(
                "request %s: %s failed, %s answered instead: %s: %s",
                request_id,
                assignment.arm,
                answered.arm,
                type(answered.fault).__name__,
                answered.fault,
            )
        return _result(assignment, answered, request_id, (self._clock() - started) * 1e3)

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
        forced = _parsed(arm)

        def read(image: Source) -> LineResult | OCRError:
            try:
                return self.recognize(image, user_id=user_id, arm=forced)
            except OCRError as error:
                return error

        return in_order(
            read,
            images,
            threads=self._snapshot.config.triton.concurrency,
            leave=lambda: self._transport.close(thread_ends=True),
        )

    def close(self, *, thread_ends: bool = False) -> None:
        """Closes the calling thread's connection; the next call would open another one.

        thread_ends: for the last call in a thread that is not the main one: its event loop,
            which keeps two files open, goes as well. A program with ever new threads needs it.
        """
        self._transport.close(thread_ends=thread_ends)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _parsed(arm: Arm | str | None) -> Arm | None:
    if not isinstance(arm, str):
        return arm
    try:
        return Arm.parse(arm)
    except RoutingError as error:
        raise BadArmError(str(error)) from None


def _loaded(image: Source, max_pixels: int) -> Gray:
    try:
        return load_image(image, max_pixels=max_pixels)
    except ImageError as error:
        raise BadImageError.of(error) from error
    except (TypeError, ValueError) as error:  # not a source at all, or a path no system takes
        reason = " ".join(str(error).split())
        raise BadImageError(
            f"{type(image).__name__} is no image that can be read: {reason}"
        ) from error


def _assigned(
    snapshot: _Snapshot, gray: Gray, user_id: str | None, request_id: str, forced: Arm | None
) -> Assignment:
    """The digest is of the gray pixels: one image meets one arm, however it is handed over.

    sha256 takes less than half of md5's time where the CPU has it.
    """
    routing = snapshot.config.model_routing
    digest = hashlib.sha256(str(gray.shape).encode() + b" ")
    digest.update(gray.data)
    key = route_key(
        routing.sticky, user_id=user_id, image_digest=digest.hexdigest(), request_id=request_id
    )
    return choose_arm(snapshot.table, bucket_of(key, routing.salt), forced=forced)


def _result(
    assignment: Assignment, answered: Answer, request_id: str, time_ms: float
) -> LineResult:
    fell_back = answered.fault is not None
    return LineResult(
        text=answered.reading.text,
        confidence=answered.reading.confidence,
        characters=answered.reading.characters,
        arm=answered.arm,
        bucket=assignment.bucket,
        fell_back=fell_back,
        reason="fell_back" if fell_back else assignment.reason,
        fault=str(answered.fault) if fell_back else None,
        time_ms=time_ms,
        request_id=request_id,
    )
