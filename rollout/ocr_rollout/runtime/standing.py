"""Where this process stands: its settings and its view, swapped whole, read without a lock."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable

from ocr_rollout.core.notices import Subscriber
from ocr_rollout.core.plan import Plan
from ocr_rollout.core.state import RolloutState

from .view import View, view_of


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """What a process's configuration says.

    autostart: the plan is but a ratio, and starts by itself.
    check_interval_s: between looks at advancing and at `mode: literal`.
    subscribers: who is told of this process's transitions.
    """

    plan: Plan
    enabled: bool
    autostart: bool
    check_interval_s: float
    subscribers: tuple[Subscriber, ...] = ()


class Standing:
    """Two threads read the store and a third may change the settings; the newest reading holds.

    publish: called with each new view, under a lock: it must only assign.
    """

    def __init__(self, settings: Settings, publish: Callable[[View], None]) -> None:
        self._lock = threading.Lock()
        self._publish = publish
        self._reading = 0
        self._adopted = 0
        self._replanned = 0
        self.settings = settings
        self.view = view_of(settings.plan, RolloutState(), enabled=settings.enabled)
        publish(self.view)

    @property
    def replanned(self) -> int:
        """Counts changes of the plan."""
        return self._replanned

    def reading(self) -> int:
        """The number of a reading that begins now, for `adopt`."""
        with self._lock:
            self._reading += 1
            return self._reading

    def adopt(self, state: RolloutState, reading: int) -> bool:
        """Takes a state over; True when the view changed.

        A reading that began before the one adopted last is old news, unless its generation is
        higher. A lower generation is believed to a newer reading: somebody brought an old copy
        of the store back.
        """
        with self._lock:
            if reading < self._adopted and state.generation <= self.view.generation:
                return False
            self._adopted = max(reading, self._adopted)
            if state == self.view.state:
                return False
            self._swap(state)
            return True

    def configure(self, settings: Settings) -> None:
        """After a hot reload."""
        with self._lock:
            self._replanned += settings.plan != self.settings.plan
            self.settings = settings
            self._swap(self.view.state)

    def _swap(self, state: RolloutState) -> None:
        self.view = view_of(self.settings.plan, state, enabled=self.settings.enabled)
        self._publish(self.view)
