"""`Notifier`: the thread that leases messages from the outbox and sees to them.

Any process may send what any process has written. Nothing here is on the way of a request, of
counting or of judging: those write a message with their transition, and that is all.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import random
import threading
import time
from collections.abc import Callable, Collection
from typing import Final, Protocol

from ocr_client.background import Background
from ocr_client.metrics import Metrics
from ocr_client.settings import NotificationSettings, Target
from ocr_rollout.core.notices import Notice, dead_letter
from ocr_rollout.core.state import StateError
from ocr_rollout.runtime import Health, View
from ocr_rollout.stores import Lease, LogEntry, Message, Store, StoreError, new_id
from ocr_rollout.stores.memory_outbox import MemoryOutbox, prepared
from ocr_rollout.stores.protocol import Outbox

from .delivery import deliver
from .outage import Outage, of_process
from .replies import Reply

POLL_S: Final = 1.0  # between looks at the outbox, where no transition calls for one
LEASE_S: Final = 30.0  # far longer than a delivery takes, so only a killed process loses one
AT_ONCE: Final = 4  # targets told at a time; one that hangs holds up itself only
LONGEST_PAUSE_S: Final = 60.0
# Between looks for messages whose target this configuration does not know. Another process may
# know it, in the middle of a change, so they are left alone until it is time to give up.
SWEEP_S: Final = 30.0
MOST_SWEPT: Final = 100
COUNTER: Final = "ocr_client_notifications_total"

UNKNOWN: Final = Reply(False, "the configuration has no target of this name", again=True)

_log = logging.getLogger("ocr_client")


class Watched(Protocol):
    """What of a `Member` says whether the store is there."""

    view: View

    def health(self) -> Health: ...


@dataclasses.dataclass(frozen=True)
class Followed:
    """What a notifier serves; swapped whole."""

    settings: NotificationSettings
    store: Store
    member: Watched

    def target(self, name: str) -> Target | None:
        return next((target for target in self.settings.targets if target.name == name), None)


class Notifier:
    """Does nothing before it was given targets; goes on without them, so that no message is left.

    clock: Unix time in seconds, which leases and signatures hold. steady: a monotonic one, in
        seconds, for how long the store has been lost. The others: for tests.
    """

    def __init__(
        self,
        metrics: Metrics,
        *,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        poll_s: float = POLL_S,
        lease_s: float = LEASE_S,
        sweep_s: float = SWEEP_S,
    ) -> None:
        self._metrics = metrics
        self._clock = clock
        self._steady = steady
        self._poll_s = poll_s
        self._lease_s = lease_s
        self._sweep_s = sweep_s
        self._swept_s = steady()
        self._owner = new_id()
        self._followed: Followed | None = None
        self._own = MemoryOutbox()  # of what no store can hold: that it is lost
        self._outage = Outage()
        self._owed: dict[str, tuple[Outbox, Lease]] = {}  # delivered, and no store would hear it
        self._hands = Background("notify", threads=AT_ONCE, room=AT_ONCE)
        self._idle = threading.Condition()
        self._busy = 0
        self._wake = threading.Event()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def follow(self, settings: NotificationSettings, store: Store, member: Watched) -> None:
        """From now on. Begins with the first targets."""
        self._followed = Followed(settings, store, member)
        if self._thread is None and settings.targets:
            self._thread = threading.Thread(target=self._run, name="ocr-notifier", daemon=True)
            self._thread.start()
        self.wake()

    def wake(self) -> None:
        """There may be something to send. Never raises or waits."""
        self._wake.set()

    def close(self, timeout_s: float) -> None:
        """Looks once more, and gives what is under way so long; another process does the rest."""
        self._ending.set()
        self._wake.set()
        if self._thread is None:
            return
        end = time.monotonic() + timeout_s
        self._thread.join(timeout_s)
        with self._idle:
            self._idle.wait_for(lambda: not self._busy, max(0.0, end - time.monotonic()))
        self._hands.close(0)

    def _run(self) -> None:
        while not self._ending.is_set():
            self._wake.clear()
            self._look()
            if not self._ending.is_set():
                self._wake.wait(self._poll_s)
        self._look()

    def _look(self) -> None:
        """Never raises: a store that is down is the next look's, and `Health` tells of it."""
        followed = self._followed
        if followed is None:
            return
        try:
            self._watch_store(followed)
            self._lease_from(self._own, followed, None)
            for message_id, (box, lease) in list(self._owed.items()):
                box.settle(lease)
                del self._owed[message_id]
            names = [target.name for target in followed.settings.targets]
            self._lease_from(followed.store, followed, names)
            if self._steady() - self._swept_s >= self._sweep_s:
                self._swept_s = self._steady()
                self._sweep(followed)
        except StoreError as error:
            _log.debug("notifications wait for the store: %s", error)
        except Exception:  # noqa: BLE001  # nothing may end the thread
            _log.exception("notifications stumbled; they go on")

    def _watch_store(self, followed: Followed) -> None:
        health, view = followed.member.health(), followed.member.view
        event = self._outage.seen(
            reachable=health.store_ok,
            now_s=self._steady(),
            after_s=followed.settings.store_lost_after_s,
        )
        if event is None:
            return
        why = health.store_error or f"{followed.store.url} answers again"
        entry = of_process(view, event, why, self._clock())
        notices = [
            Notice(subscriber.target, event, str(view.plan.stable), entry)
            for subscriber in followed.settings.subscribers
            if event in subscriber.events
        ]
        self._own.put(prepared(Message(notice.to_dict()) for notice in notices))

    def _sweep(self, followed: Followed) -> None:
        """Gives up what nobody has known for long enough; all else goes back at once."""
        now_s, store = self._clock(), followed.store
        for lease in store.lease(self._owner, now_s=now_s, lease_s=self._lease_s, limit=MOST_SWEPT):
            document = lease.message.document
            with contextlib.suppress(StateError):
                notice = Notice.from_dict(document)
                if followed.target(notice.target) is None and self._late(notice, followed):
                    self._give_up(store, lease, notice, UNKNOWN, followed)
                    continue
            store.postpone(lease, now_s)

    def _lease_from(self, box: Outbox, followed: Followed, targets: Collection[str] | None) -> None:
        """No more than there are hands: a lease that waits for one would run out meanwhile."""
        with self._idle:
            free = AT_ONCE - self._busy
        if free <= 0:
            return
        now_s = self._clock()
        for lease in box.lease(
            self._owner, now_s=now_s, lease_s=self._lease_s, limit=free, targets=targets
        ):
            if lease.message.id in self._owed:
                continue
            with self._idle:
                self._busy += 1
            if not self._hands.offer(lambda lease=lease: self._see_to(box, lease, followed)):  # type: ignore[misc]
                self._done()

    def _see_to(self, box: Outbox, lease: Lease, followed: Followed) -> None:
        try:
            self._carry(box, lease, followed)
        except StoreError as error:
            _log.debug("a notification's end waits for the store: %s", error)
        finally:
            self._done()

    def _done(self) -> None:
        with self._idle:
            self._busy -= 1
            self._idle.notify_all()
        self.wake()  # for the next message of the same target

    def _carry(self, box: Outbox, lease: Lease, followed: Followed) -> None:
        """Delivers, and says what came of it. Raises StoreError."""
        name = f"{lease.message.document.get('target')}"
        try:
            notice = Notice.from_dict(lease.message.document)
        except StateError as error:  # written by a newer version: its processes can read it
            self._again(box, lease, name, Reply(False, str(error), again=True))
            return
        found = self._delivered(lease, notice, followed)
        if found.delivered:
            self._count(name, "sent")
            self._settle(box, lease)
        elif found.again and not self._late(notice, followed):
            self._again(box, lease, name, found)
        else:
            self._give_up(box, lease, notice, found, followed)

    def _delivered(self, lease: Lease, notice: Notice, followed: Followed) -> Reply:
        target = followed.target(notice.target)
        if target is None:  # it was taken away between the lease and now
            return UNKNOWN
        return deliver(
            target,
            notice,
            lease.message.id,
            public_url=followed.settings.public_url,
            now_s=self._clock(),
        )

    def _late(self, notice: Notice, followed: Followed) -> bool:
        return self._clock() - notice.entry.at_s >= followed.settings.give_up_s

    def _settle(self, box: Outbox, lease: Lease) -> None:
        """Raises StoreError; then a later look settles it, before anything is leased again."""
        try:
            box.settle(lease)
        except StoreError:
            self._owed[lease.message.id] = box, lease
            raise

    def _again(self, box: Outbox, lease: Lease, name: str, found: Reply) -> None:
        self._count(name, "failed")
        wait_s = max(pause_s(lease.attempt, random.random()), found.wait_s)  # noqa: S311  # jitter
        said = "notification to %s, attempt %d: %s; again in %.0f s"
        _log.warning(said, name, lease.attempt, found.said, wait_s)
        box.postpone(lease, self._clock() + wait_s)

    def _give_up(
        self, box: Outbox, lease: Lease, notice: Notice, found: Reply, followed: Followed
    ) -> None:
        tries = "1 try" if lease.attempt == 1 else f"{lease.attempt} tries"
        why = f"{found.said} ({tries}, message {lease.message.id})"
        entry = dead_letter(notice, why, self._clock())
        _log.error("notification given up: %s", entry.why)
        followed.store.record(LogEntry(entry.to_dict(), f"{lease.message.id}.dead"))
        self._count(notice.target, "given_up")
        self._settle(box, lease)

    def _count(self, name: str, result: str) -> None:
        self._metrics.count(COUNTER, target=name, result=result)


def pause_s(attempt: int, chance: float) -> float:
    """Seconds before the next try: about 1, 2, 4 ... 60, spread so that none go in step.

    attempt: the one that failed, from 1. chance: 0..1.
    """
    longest = min(LONGEST_PAUSE_S, 2.0 ** min(attempt - 1, 16))
    return longest * (0.5 + chance / 2)
