"""What lives beside a client's requests: its part in the rollout, its norms, shadow and metrics."""

from __future__ import annotations

import atexit
import dataclasses
import threading
import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ocr_rollout.core.windows import CANDIDATE, STABLE
from ocr_rollout.runtime import Member, View
from ocr_rollout.stores import MemoryStore, Store, open_store

from . import report
from .background import Background
from .config import ClientConfig
from .connections import Connections
from .fallback import Attempt
from .metrics import Metrics
from .norms import Norms
from .outside import Outside
from .pages.finder import PageFinder
from .reached import moved, reached, transport_to
from .reading import LineReader
from .request import InFlight, Request
from .rescue import Rescue
from .reviews.feedback import FeedbackBox
from .reviews.sampler import Sampler
from .shadow import Order, Shadow, shadowed
from .standing import Teller
from .transport import Transport, TritonTransport

if TYPE_CHECKING:  # it loads native code, which only a client that watches needs
    from .watch import Watch

LEAVE_S: Final = 0.2  # what closing waits for a shadow reading under way


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """All that a request looks at. Never changed: another configuration is another snapshot."""

    config: ClientConfig
    transport: Transport
    reader: LineReader
    finder: PageFinder
    member: Member
    shadow: Shadow
    sampler: Sampler


class Session:
    """Begins with the first request, ends with `close`, and may begin again.

    It knows nothing of the client that it belongs to, so that one that is forgotten without
    `close` is no reason for its threads to go on.

    transport: what to ask instead of the Triton that the configuration names.
    clock: a monotonic one, in seconds.
    """

    def __init__(
        self,
        config: ClientConfig,
        transport: Transport | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises ConfigError on an address that is none."""
        self.metrics = Metrics()
        self.in_flight = InFlight()
        self.connections = Connections()
        self.config = config
        self.transport = transport or transport_to(config.triton)
        self._given = transport is not None
        self._clock = clock
        self._lock = threading.Lock()  # of begin, reconfigure and close; no request waits for it
        self._reader, self._finder = LineReader(self.transport), PageFinder(self.transport, clock)
        self._store: Store | None = None
        self._snapshot: Snapshot | None = None
        self.watch: Watch | None = None
        self._upkeep = _upkeep()
        self._outside = Outside(self.metrics, self.measured)
        self.norms = Norms(self._later)
        _SESSIONS.add(self)

    def begin(self) -> Snapshot:
        """The snapshot that stands now. The first call takes up the part in the rollout: it waits
        for the shared state, at most a second.
        """
        return self._snapshot or self._begun()

    def attempted(self, snapshot: Snapshot, request: Request, attempt: Attempt) -> None:
        """Counts a first attempt; the shadow and reviewers may get it, too. Never raises or waits."""
        view, outcome, bucket = request.view, attempt.outcome, request.assignment.bucket
        report.count_attempt(self.metrics, attempt)
        if outcome is None:
            return
        of_stable = attempt.arm == view.table.stable
        series = STABLE if of_stable else CANDIDATE
        latency_ms = attempt.latency_ms / request.lines
        snapshot.member.record(view, series, outcome, latency_ms, bucket)
        snapshot.sampler.answered(request, attempt)
        if of_stable and snapshot.shadow.wants(view, request.key, outcome):
            text = attempt.reading.text if attempt.reading else ""
            snapshot.shadow.offer(Order(request, outcome, text))

    def busy(self) -> bool:
        """Whether this process has enough to do for those who wait for an answer."""
        return self.in_flight.now >= self.config.triton.busy_in_flight

    def rescue(self, config: ClientConfig) -> Rescue | None:
        """None where the configuration wants none."""
        if not config.rescue.enabled:
            return None
        return Rescue(config.rescue.deadline_s, self.busy, self.norms.examine)

    def measured(self) -> dict[str, float]:
        """All series, as they stand now."""
        found = self.metrics.snapshot()
        found["ocr_client_in_flight"] = self.in_flight.now
        snapshot = self._snapshot
        if snapshot is not None:
            found["ocr_client_shadow_waiting"] = snapshot.shadow.waiting
            found["ocr_client_review_waiting"] = snapshot.sampler.waiting
            found.update(report.of_rollout(snapshot.member.view, snapshot.member.health()))
        if self.watch is not None:
            found.update(report.of_config(self.watch.status()))
        if isinstance(self.transport, TritonTransport):
            plan = self.config.plan()
            arms = plan.stable, plan.candidate
            found.update(report.of_endpoints(self.transport.endpoints(), arms))
        return found

    def feedback_box(self) -> FeedbackBox:
        member = self.begin().member
        store = self._store or MemoryStore()
        return FeedbackBox(store, member.view.rollout_id, self.config.review)

    def reconfigure(self, config: ClientConfig) -> None:
        """From now on; what is under way finishes on what it began with.

        Raises ConfigError, and nothing has changed, where it takes a restart.
        """
        with self._lock:
            before, old = self.config, self._snapshot
            if config == before:
                return
            moves = moved(before, config)
            if not self._given and reached(config.triton) != reached(before.triton):
                self.transport = transport_to(config.triton)
                self._reader = LineReader(self.transport)
                self._finder = PageFinder(self.transport, self._clock)
            self.config = config
            if self.watch is not None:
                self.watch.follow(config.reload)
            left = self._store if moves else None
            if moves:
                self._store = None
            if old is None:
                return
            joined = None if moves or _by_ratio(config) != _by_ratio(before) else old.member
            if joined is not None:
                joined.replan(
                    config.plan(),
                    enabled=config.weight_enabled,
                    check_interval_s=config.model_routing.check_interval_seconds,
                    subscribers=config.notifications.subscribers,
                )
                self._tell_of(joined)
            self._snapshot = self._assembled(joined or self._joined())
        _end_replaced(old, self._snapshot)
        if joined is None:
            old.member.close()
        if left is not None:
            left.close()

    def close(self) -> None:
        """Sends what was counted and ends the threads; some 3 s at most where the store hangs."""
        if self.watch is not None:
            self.watch.close()  # before the lock, which it may be waiting for
        with self._lock:
            snapshot, self._snapshot = self._snapshot, None
            if snapshot is None:
                return
            upkeep, self._upkeep = self._upkeep, _upkeep()
            snapshot.shadow.close(LEAVE_S)
            snapshot.sampler.close(LEAVE_S)
            upkeep.close(LEAVE_S)
            snapshot.member.close()
            self._outside.close()
            if self._store is not None:
                self._store.close()  # kept: what is in memory is not to be forgotten

    def _later(self, job: Callable[[], None]) -> bool:
        return self._upkeep.offer(job)

    def _begun(self) -> Snapshot:
        with self._lock:
            if self._snapshot is None:
                self._snapshot = self._assembled(self._joined())
            snapshot = self._snapshot
        if self.watch is not None:
            self.watch.begin(snapshot.config.reload)
        return self._snapshot or snapshot

    def _joined(self) -> Member:
        config = self.config
        if self._store is None:
            url = config.store.url
            self._store = MemoryStore() if url is None else open_store(url)
        member = Member(
            config.plan(),
            self._store,
            enabled=config.weight_enabled,
            autostart=_by_ratio(config),
            check_interval_s=config.model_routing.check_interval_seconds,
            on_change=_telling(Teller(), self._outside),
            subscribers=config.notifications.subscribers,
        )
        member.start()
        self._tell_of(member)
        return member

    def _tell_of(self, member: Member) -> None:
        if self._store is not None:
            self._outside.follow(self.config, self._store, member)

    def _assembled(self, member: Member) -> Snapshot:
        old, config, transport = self._snapshot, self.config, self.transport
        sampler = self._sampling(member)
        if (
            old is not None
            and (old.member, old.reader, old.sampler) == (member, self._reader, sampler)
            and shadowed(old.config) == shadowed(config)
        ):
            shadow = old.shadow
        else:
            shadow = Shadow(
                config,
                member=member,
                reader=self._reader,
                finder=self._finder,
                norms=self.norms,
                metrics=self.metrics,
                busy=self.busy,
                clock=self._clock,
                leave=lambda: transport.close(thread_ends=True),
                disputed=sampler.disputed,
            )
        return Snapshot(config, transport, self._reader, self._finder, member, shadow, sampler)

    def _sampling(self, member: Member) -> Sampler:
        old, settings = self._snapshot, self.config.review
        if old is not None and old.member is member and old.config.review == settings:
            return old.sampler
        return Sampler(settings, self._store or MemoryStore(), self.metrics)


def _end_replaced(old: Snapshot, new: Snapshot) -> None:
    if new.shadow is not old.shadow:
        old.shadow.close(0)
    if new.sampler is not old.sampler:
        old.sampler.close(LEAVE_S)


def _by_ratio(config: ClientConfig) -> bool:
    return config.rollout is None


def _telling(teller: Teller, outside: Outside) -> Callable[[View], None]:
    """A new view goes into the log, and there may be a message about it."""

    def tell(view: View) -> None:
        teller(view)
        outside.wake()

    return tell


def _upkeep() -> Background:
    return Background("upkeep", threads=1, room=8)


# Of programs that end without closing their clients, the last second's counts.
_SESSIONS: weakref.WeakSet[Session] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for session in list(_SESSIONS):
        session.close()
