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
from .config import ClientConfig
from .deadline import Deadline
from .errors import OCRError
from .metrics import Metrics
from .norms import Norms
from .outcomes import outcome_of
from .pages.asked import deadlines_s, read_by
from .pages.finder import FindLines
from .pages.settings import PageSettings
from .reading import LineReader
from .report import count_pair
from .request import Request
from .settings import ShadowSettings, TritonSettings

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


def shadowed(config: ClientConfig) -> tuple[ShadowSettings, TritonSettings, PageSettings]:
    """What of a configuration a shadow goes by."""
    return config.shadow, config.triton, config.pages


def chosen(view: View, key: str, share_bp: int) -> bool:
    """Whether a request belongs to the sample: the same one each time, apart from its arm."""
    return share_bp > 0 and bucket_of(key, view.rollout_id + PURPOSE) < share_bp


class Shadow:
    """Its own few threads with a bounded queue. Safe in threads.

    busy: whether the process has enough to do for users.
    clock: a monotonic one. leave: called in each thread before it ends.
    disputed: told of a request that both arms read well, as it seems, and not alike: with both texts.
    """

    def __init__(  # noqa: PLR0913  # what a session has
        self,
        config: ClientConfig,
        *,
        member: Member,
        reader: LineReader,
        finder: FindLines,
        norms: Norms,
        metrics: Metrics,
        busy: Callable[[], bool],
        clock: Callable[[], float],
        leave: Callable[[], None],
        disputed: Callable[[Request, str, str], None],
    ) -> None:
        self._config = config
        self._settings = settings = config.shadow
        self._member = member
        self._reader, self._finder = reader, finder
        self._norms = norms
        self._metrics = metrics
        self._busy = busy
        self._clock = clock
        self._disputed = disputed
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
            _, deadline_s = deadlines_s(order.request, self._config)
            reading = read_by(
                arm,
                order.request,
                self._reader,
                self._config.pages,
                self._finder,
                deadline=Deadline(started_s + deadline_s, self._clock),
                last_resort=False,
            )
        except OCRError as fault:
            outcome = outcome_of(fault)
        else:
            outcome, text = self._norms.learn(arm, reading).kind, reading.text
        latency_ms = (self._clock() - started_s) * 1e3 / order.request.lines
        if outcome is None:  # its breaker is open
            self._count("refused")
            return
        self._count("read")
        self._member.record(
            order.request.view, SHADOW, outcome, latency_ms, order.request.assignment.bucket
        )
        pair = compared(order.outcome, order.text, outcome, text)
        if pair is not None:
            count_pair(self._metrics, pair)
            self._member.record_pair(order.request.view, pair, order.request.assignment.bucket)
            if pair.both_fine and not pair.equal:
                self._disputed(order.request, order.text, text)

    def _release(self, size: int) -> None:
        with self._lock:
            self._bytes -= size

    def _count(self, result: str) -> None:
        self._metrics.count("ocr_client_shadow_total", result=result)
