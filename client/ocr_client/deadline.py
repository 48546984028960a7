"""One deadline per request: retries and fallback spend what is left of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Deadline:
    """end_s: on `clock`, a monotonic clock in seconds."""

    end_s: float
    clock: Callable[[], float]

    @classmethod
    def after(cls, seconds: float, clock: Callable[[], float]) -> Deadline:
        return cls(clock() + seconds, clock)

    def left_s(self) -> float:
        """Seconds, below 0 when it has passed."""
        return self.end_s - self.clock()

    def within(self, seconds: float) -> Deadline:
        """The same deadline, or so many seconds from now, whichever comes first."""
        return Deadline(min(self.end_s, self.clock() + seconds), self.clock)
