"""Has the candidate read a sample of stable's requests, off the response path.

Evidence about a candidate before anybody depends on it: its attempts count like a user's, and the
two texts of one image are compared. The answer that it accompanies is there before any of this
begins, and where there is no time or room for it, it is left out and counted.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from typing import Final

from ocr_rollout.core.outcomes import NEVER, Outcome
from ocr_rollout.core.routing import bucket_of
from ocr_rollout.core.windows import SHADOW
from ocr_rollout.runtime import Member, View

from .background import Background
from .comparison import compared
from .deadline import Deadline
from .errors import OCRError
from .metrics import Metrics
from .norms import Norms
from .outcomes import outcome_of
from .reading import LineReader
from .request import Request
from .settings import ShadowSettings

WAITING_BYTES: Final = 64_000_000  # pixels of all images that wait together
PURPOSE: Final = "/shadow"  # of the salt: with the routing's own, the sample would not be one


@dataclasses.dataclass(frozen=True, slots=True)
class Order:
    """A request that stable has answered, or failed. outcome, text: of that attempt."""

    request: Request
    outcome: Outcome
    text: str

    def owned(self) -> Order:
        """With pixels that the caller cannot change any more."""
        if not self.request.borrowed:
            return self
        pixels = self.request.gray.copy()
        return dataclasses.replace(
            self, request=dataclasses.replace(self.request, gray=pixels, borrowed=False)
        )


def chosen(view: View, key: str, share_bp: int) -> bool:
    """Whether a request belongs to the sample: the same one each time, apart from its arm."""
    return share_bp > 0 and bucket_of(key, view.rollout_id + PURPOSE) < share_bp


class Shadow:
    """Its own few threads with a bounded queue. Safe in threads.

    deadline_s: for one reading. busy: whether the process has enough to do for users.
    clock: a monotonic one. leave: called in each thread before it ends.
    """

    def __init__(  # noqa: PLR0913  # what a session has
        self,
        settings: ShadowSettings,
        *,
        member: Member,
        reader: LineReader,
        norms: Norms,
        metrics: Metrics,
        deadline_s: float,
        busy: Callable[[], bool],
        clock: Callable[[], float],
        leave: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._member = member
        self._reader = reader
        self._norms = norms
        self._metrics = metrics
        self._deadline_s = deadline_s
        self._busy = busy
        self._clock = clock
        self._lock = threading.Lock()
        self._bytes = 0
        self._background = Background(
            "shadow", threads=settings.concurrency, room=settings.queue, leave=leave
        )

    @property
    def waiting(self) -> int:
        return self._background.waiting

    def wants(self, view: View, key: str, outcome: Outcome | None) -> bool:
        """Whether a request of stable's is to be offered. Some 2 microseconds, or none at all."""
        return (
            self._settings.share_bp > 0
            and outcome is not None
            and outcome not in NEVER
            and view.shadowing
            and chosen(view, key, self._settings.share_bp)
        )

    def offer(self, order: Order) -> None:
        """Never raises or waits."""
        if self._busy():
            self._count("busy")
            return
        size = order.request.gray.nbytes
        with self._lock:
            room = self._bytes == 0 or self._bytes + size <= WAITING_BYTES
            if room:
                self._bytes += size
        if room:
            own = order.owned()
            if self._background.offer(lambda: self._work(own)):
                return
            self._release(size)
        self._count("full")

    def close(self, timeout_s: float) -> None:
        """Leaves out what waits."""
        self._background.close(timeout_s)

    def _work(self, order: Order) -> None:
        self._release(order.request.gray.nbytes)
        now = self._member.view
        if now.epoch != order.request.view.epoch or not now.shadowing:
            self._count("stale")  # taken back meanwhile, for one
        elif self._busy():
            self._count("busy")
        else:
            self._read(order)

    def _read(self, order: Order) -> None:
        arm, started_s, text = order.request.view.candidate, self._clock(), ""
        outcome: Outcome | None
        try:
            reading = self._reader.read(
                arm,
                order.request.gray,
                name=order.request.name,
                deadline=Deadline(started_s + self._deadline_s, self._clock),
                request_id=order.request.request_id,
                last_resort=False,
            )
        except OCRError as fault:
            outcome = outcome_of(fault)
            latency_ms = (self._clock() - started_s) * 1e3
        else:
            latency_ms = (self._clock() - started_s) * 1e3
            outcome, text = self._norms.learn(arm, reading).kind, reading.text
        if outcome is None:  # its breaker is open
            self._count("refused")
            return
        self._count("read")
        self._member.record(
            order.request.view, SHADOW, outcome, latency_ms, order.request.assignment.bucket
        )
        pair = compared(order.outcome, order.text, outcome, text)
        if pair is not None:
            self._member.record_pair(order.request.view, pair, order.request.assignment.bucket)

    def _release(self, size: int) -> None:
        with self._lock:
            self._bytes -= size

    def _count(self, result: str) -> None:
        self._metrics.count("ocr_client_shadow_total", result=result)
