"""One look of a process at the rollout: read, decide, write. All I/O of a `Member` is here.

Every process runs it each second. Whoever sees first what is to be done writes it; the store lets
one win each generation, and the others take over what stands then.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ocr_rollout.core.counts import RecordError
from ocr_rollout.core.evidence import MARK_S
from ocr_rollout.core.plan import Plan
from ocr_rollout.core.state import StateError
from ocr_rollout.core.transition import Transition
from ocr_rollout.stores.deltas import KeyedDelta
from ocr_rollout.stores.errors import DocumentError
from ocr_rollout.stores.protocol import Store
from ocr_rollout.stores.review_series import reviews_of

from .backlog import Backlog
from .evidence import EvidenceReader, mark
from .ratio import News, follow_ratio
from .recorder import Recorder
from .standing import Standing
from .transitions import commit, state_of

if TYPE_CHECKING:
    from ocr_rollout.core.controller import Step

PRUNE_S: Final = 60.0
FLUSHED_AT_ONCE: Final = 50  # batches in one look, so that judging is not held up by a backlog
# What waits for `check_interval_s`; everything else, above all a rollback, is done at once.
UNHURRIED: Final = frozenset({"wait", "advance", "complete"})

_log = logging.getLogger("ocr_rollout")


class Loop:
    """The conversation with the store. `tick` is for one thread, `watch` for another.

    clock: Unix time in seconds. It may jump; no duration that matters is a difference of it.
    """

    def __init__(
        self, standing: Standing, recorder: Recorder, store: Store, clock: Callable[[], float]
    ) -> None:
        self._standing = standing
        self._recorder = recorder
        self._store = store
        self._clock = clock
        self._backlog = Backlog()
        self._reader: EvidenceReader | None = None
        self._marked: tuple[int, int] | None = None  # epoch and slot
        self._checked_s: float | None = None
        self._pruned_s: float | None = None
        self._planned: int | None = None  # `Standing.replanned` as the ratio last followed it
        self._repeats = 0  # keys that another process had counted
        self._state_error = ""
        self._counts_error = ""
        self.step: Step | None = None
        self.last_flush_s: float | None = None
        self.commits = 0
        self.lost = 0

    @property
    def waiting(self) -> int:
        """Outcomes that no store has confirmed."""
        return self._recorder.waiting + self._backlog.waiting

    @property
    def dropped(self) -> int:
        return self._recorder.dropped + self._backlog.dropped

    @property
    def repeats(self) -> int:
        return self._recorder.repeats + self._repeats

    @property
    def state_error(self) -> str:
        """Why the state or the counts cannot be read, in one line; empty when they can."""
        return self._state_error or self._counts_error

    def read(self) -> bool:
        """Takes the shared state over, and lets a ratio start itself. False: it is unreadable.

        Raises StorageError.
        """
        reading = self._standing.reading()
        try:
            self._standing.adopt(state_of(self._store.state()), reading)
            self._follow_ratio()
        except StateError as error:
            self._state_error = _said(error, self._state_error)
            return False
        self._state_error = ""
        return True

    def watch(self, timeout_s: float) -> bool:
        """Waits for another process's transition and takes it over; True when there was one.

        Raises StorageError, and StateError as `state_of` does.
        """
        reading = self._standing.reading()
        stored = self._store.wait_for_change(self._standing.view.generation, timeout_s)
        return self._standing.adopt(state_of(stored), reading)

    def tick(self) -> None:
        """Flushes, judges, and does what follows. Raises StorageError; the next one catches up."""
        now_s = self._clock()
        self._backlog.put(self._recorder.take(), now_s)  # bounded, whatever the store does
        if not self.read():
            return  # written by a newer version: nothing is added to what it counts either
        self.flush(now_s)
        self._judge(now_s)
        if self._due(self._pruned_s, now_s, PRUNE_S):
            self._store.prune(now_s)
            self._pruned_s = now_s

    def flush(self, now_s: float) -> None:
        """Sends what was counted. Raises StorageError."""
        for _ in range(FLUSHED_AT_ONCE):
            marks = () if self._backlog.under_way else self._marks(now_s)
            batch = self._backlog.next(now_s, marks)
            if batch is None:
                break
            try:
                added = self._store.add(batch)
            except DocumentError as error:
                _log.error("counts that no store takes were dropped: %s", error)
                self._backlog.refused()
                continue
            if self._backlog.counts_outcomes:
                self._repeats += added.repeats
            self._backlog.confirmed()
        if not self._backlog.waiting:
            self.last_flush_s = now_s

    def last_words(self) -> None:
        """What was counted since the last look, on ending. Raises StorageError."""
        now_s = self._clock()
        self._backlog.put(self._recorder.take(), now_s)
        if not self._state_error:
            self.flush(now_s)

    def _marks(self, now_s: float) -> tuple[KeyedDelta, ...]:
        view = self._standing.view
        place = view.epoch, int(now_s // MARK_S)
        if not (view.follows and view.state.live) or place == self._marked:
            return ()
        self._marked = place
        return (mark(view.epoch, now_s),)

    def _judge(self, now_s: float) -> None:
        view, settings = self._standing.view, self._standing.settings
        if not view.follows or not view.state.live:
            self.step = self._reader = None
            self._counts_error = ""
            return
        from ocr_rollout.core.controller import look  # noqa: PLC0415  # scipy loads slowly

        if self._reader is None or self._reader.epoch != view.epoch:
            self._reader = EvidenceReader(
                self._store, view.epoch, reviews_of(view.state, view.rollout_id)
            )
        try:
            evidence = self._reader.read(now_s)
        except RecordError as error:
            self._counts_error = _said(error, self._counts_error)
            self.step = None
            return
        self._counts_error = ""
        step = look(view.plan, view.state, evidence, now_s)
        self.step = step
        checking = self._due(self._checked_s, now_s, settings.check_interval_s)
        if checking:
            self._checked_s = now_s
        transition = step.transition
        if transition is None or (not checking and _can_wait(view.plan, transition)):
            return
        self._commit(transition)

    def _follow_ratio(self) -> None:
        planned = self._standing.replanned  # first: of a change from here on the next look hears
        settings, view = self._standing.settings, self._standing.view
        if not (settings.autostart and settings.enabled):
            return
        news: News = "kept"
        if self._planned is None:
            news = "started"
        elif planned != self._planned:
            news = "changed"
        transition = follow_ratio(view.plan, view.state, news=news, at_s=self._clock())
        if transition is None or self._commit(transition):
            self._planned = planned

    def _commit(self, transition: Transition) -> bool:
        """Whether this process won. Raises StorageError and StateError."""
        reading = self._standing.reading()
        won, state = commit(self._store, transition, self._standing.settings.subscribers)
        self._standing.adopt(state, reading)
        self.commits += won
        self.lost += not won
        return won

    @staticmethod
    def _due(last_s: float | None, now_s: float, every_s: float) -> bool:
        """A clock that jumped, either way, makes it due."""
        return last_s is None or abs(now_s - last_s) >= every_s


def _said(error: Exception, before: str) -> str:
    """One line for `Health`, logged when it is news."""
    line = " ".join(str(error).split())
    if line != before:
        _log.error("the last good view stays: %s", line)
    return line


def _can_wait(plan: Plan, transition: Transition) -> bool:
    return plan.limits.mode == "literal" or transition.audit.action in UNHURRIED
