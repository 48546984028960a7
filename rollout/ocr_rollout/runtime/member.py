"""`Member`: this process's part in a rollout."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from ocr_rollout.core.counts import Pairs
from ocr_rollout.core.notices import Subscriber
from ocr_rollout.core.outcomes import Outcome
from ocr_rollout.core.plan import Plan
from ocr_rollout.core.state import StateError
from ocr_rollout.stores.errors import StoreError
from ocr_rollout.stores.protocol import Store

from .health import Health
from .loop import Loop
from .recorder import Recorder
from .standing import Settings, Standing
from .view import View

TICK_S: Final = 1.0
WATCH_S: Final = 1.0  # of one wait for a change, so that ending does not take longer
# and in a program that has lived for half a second not longer than some milliseconds.
WATCH_OF_LIFE: Final = 1 / 20
LEAST_WATCH_S: Final = 0.01
PATIENCE_S: Final = 5.0  # longest pause between two tries while the store is down
START_S: Final = 1.0  # how long `start` waits for the first reading
CLOSE_S: Final = 1.8

_log = logging.getLogger("ocr_rollout")


class Member:
    """Keeps `view` up to date and counts outcomes; judges and decides together with all others.

    A store that is down stops nothing: before the first reading the candidate has no share, later
    the last view stays, counts wait in bounded memory, and all is caught up when it is back.

    view: the snapshot to route by. A plain attribute, swapped whole. Before `start` at weight 0.
    store: stays the caller's to close, after `close`.
    autostart: the plan is but a ratio (no `rollout:` section) and starts by itself.
    check_interval_s: between looks at advancing and at `mode: literal`.
    clock: Unix time in seconds.
    on_change: called with each new view from a thread of this object; what it raises is logged.
    subscribers: for whom a message is written with each transition that concerns them, to be sent
        by whoever leases it from the store.

    After a fork the child makes a Member of its own: threads do not cross a fork.
    """

    view: View

    def __init__(
        self,
        plan: Plan,
        store: Store,
        *,
        enabled: bool = True,
        autostart: bool = False,
        check_interval_s: float = 60.0,
        clock: Callable[[], float] = time.time,
        on_change: Callable[[View], None] | None = None,
        subscribers: tuple[Subscriber, ...] = (),
    ) -> None:
        self._clock = clock
        self._on_change = on_change
        settings = Settings(plan, enabled, autostart, check_interval_s, subscribers)
        self._standing = Standing(settings, self._publish)
        self._told = self.view
        self._recorder = Recorder()
        self._loop = Loop(self._standing, self._recorder, store, clock)
        self._errors = {"tick": "", "watch": ""}  # by thread, in one line
        self._ready = threading.Event()  # the state was read once, or could not be
        self._wake = threading.Event()
        self._ending = threading.Event()
        self._threads: tuple[threading.Thread, ...] = ()

    def start(self) -> None:
        """Begins to take part. Never raises for a store; waits at most a second for its state."""
        if self._threads:
            return
        self._threads = (
            threading.Thread(target=self._tick_on, name="rollout-tick", daemon=True),
            threading.Thread(target=self._watch_on, name="rollout-watch", daemon=True),
        )
        for thread in self._threads:
            thread.start()
        self._ready.wait(START_S)

    def record(
        self, view: View, series: str, outcome: Outcome, latency_ms: float, bucket: int
    ) -> None:
        """Counts one first attempt. Never raises or waits; 5 microseconds at most.

        view: the one that the request began on. series: `core.windows.STABLE`, CANDIDATE or SHADOW.
        latency_ms: from sending the attempt to its end. bucket: of the route key, 0..9999; it counts
        once a minute and series over all processes, except under `sticky: request`.
        """
        if view.counting:
            key = None if view.plan.sticky == "request" else bucket
            self._recorder.record(view.state.epoch, series, outcome, latency_ms, key, self._clock())

    def record_pair(self, view: View, pairs: Pairs, bucket: int) -> None:
        """Counts one image that both arms read, as `record` does."""
        if view.counting:
            key = None if view.plan.sticky == "request" else bucket
            self._recorder.record_pair(view.state.epoch, pairs, key, self._clock())

    def replan(
        self,
        plan: Plan,
        *,
        enabled: bool,
        check_interval_s: float,
        subscribers: tuple[Subscriber, ...] = (),
    ) -> None:
        """After a hot reload. The view is new at once; a changed ratio within a second or so."""
        autostart = self._standing.settings.autostart
        self._standing.configure(Settings(plan, enabled, autostart, check_interval_s, subscribers))
        self._tell()
        self._wake.set()

    def health(self) -> Health:
        """A snapshot. Never raises, asks nobody."""
        loop, view = self._loop, self.view
        error = self._errors["tick"] or self._errors["watch"]
        return Health(
            store_ok=not error,
            store_error=error,
            state_error=loop.state_error,
            last_flush_s=loop.last_flush_s,
            unsent=loop.waiting,
            dropped=loop.dropped,
            repeats=loop.repeats,
            generation=view.generation,
            epoch=view.epoch,
            weight_bp=view.table.weight_bp,
            follows=view.follows,
            commits=loop.commits,
            lost=loop.lost,
            step=loop.step,
        )

    def close(self) -> None:
        """Sends what was counted and ends the threads; at most 2 s. May be called again."""
        self._ending.set()
        self._wake.set()
        deadline = time.monotonic() + CLOSE_S
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _publish(self, view: View) -> None:
        self.view = view

    def _tell(self) -> None:
        view = self.view
        if view is self._told or self._on_change is None:
            return
        self._told = view
        try:
            self._on_change(view)
        except Exception:  # noqa: BLE001  # the caller's own code must not end the guard
            _log.exception("on_change raised")

    def _tick_on(self) -> None:
        pause_s = TICK_S
        while not self._ending.is_set():
            self._wake.clear()  # before looking at `_ending`, which is set before `_wake`
            pause_s = TICK_S if self._tried("tick", self._tick) else min(2 * pause_s, PATIENCE_S)
            self._ready.set()
            if not self._ending.is_set():
                self._wake.wait(pause_s)
        self._tried("tick", self._loop.last_words)

    def _tick(self) -> None:
        try:
            if not self._ready.is_set():
                # No judge yet: loading scipy would slow a program down that lives for less than
                # a second, and there is nothing to judge.
                self._loop.read()
                self._ready.set()
                return
            self._loop.tick()
        finally:
            self._tell()

    def _watch_on(self) -> None:
        began_s = time.monotonic()
        pause_s = TICK_S / 2
        while not self._ending.is_set():
            age_s = time.monotonic() - began_s
            wait_s = min(WATCH_S, max(LEAST_WATCH_S, WATCH_OF_LIFE * age_s))
            if self._tried("watch", lambda: self._watch(wait_s)):  # noqa: B023  # called at once
                pause_s = TICK_S / 2
            else:
                self._ending.wait(pause_s)
                pause_s = min(2 * pause_s, PATIENCE_S)

    def _watch(self, wait_s: float) -> None:
        if self._loop.watch(wait_s):
            self._tell()

    def _tried(self, who: str, call: Callable[[], object]) -> bool:
        """False when the store, or anything else, failed; the thread goes on."""
        try:
            call()
        except StateError:
            return False  # `Loop.read` says so
        except Exception as error:  # noqa: BLE001  # nothing may end the guard
            line = " ".join(f"{error}".split()) or type(error).__name__
            if line != self._errors[who]:
                known = isinstance(error, StoreError)
                _log.warning("rollout %s: %s", who, line, exc_info=None if known else error)
            self._errors[who] = line
            return False
        self._errors[who] = ""
        return True
