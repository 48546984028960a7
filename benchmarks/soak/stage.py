"""What a fault needs to know, and what it leaves written down."""

from __future__ import annotations

import dataclasses
import threading
import time

from ocr_rollout.core.routing import Arm

from .answers import MadeArm
from .callers import Callers
from .field import Field


@dataclasses.dataclass(frozen=True)
class Injected:
    """at_s: since the beginning. took_s: until all was well again. said: what was seen, one line.

    done: False: it could not be done, and does not count as a fault.
    """

    number: int
    kind: str
    at_s: float
    took_s: float
    said: str
    done: bool


@dataclasses.dataclass(frozen=True)
class Episode:
    """A bad candidate in one place. noticed_s: until it was taken back; None: it was not."""

    place: str
    rollout_id: str
    arm: str
    noticed_s: float | None


@dataclasses.dataclass
class Stage:
    """hurt: (from, to, why), Unix times at which something befell the candidate alone.

    jumps: (from, to, seconds) of clocks of clients, by how much they were off.
    bad: the arms that are. quick: for a run of seconds: shorter faults.
    troubles: what must not be and no ledger shows, in words.
    """

    field: Field
    callers: Callers
    bad: tuple[MadeArm, ...]
    quick: bool = False
    stopping: threading.Event = dataclasses.field(default_factory=threading.Event)
    hurt: list[tuple[float, float, str]] = dataclasses.field(default_factory=list)
    jumps: list[tuple[float, float, float]] = dataclasses.field(default_factory=list)
    episodes: list[Episode] = dataclasses.field(default_factory=list)
    troubles: list[str] = dataclasses.field(default_factory=list)
    swapped: int = 0
    began_s: float = dataclasses.field(default_factory=time.monotonic)
    began_at_s: float = dataclasses.field(default_factory=time.time)

    def pause(self, seconds: float) -> None:
        """Ends early when the run does."""
        self.stopping.wait(seconds / 4 if self.quick else seconds)

    def hurts(self, arm: Arm, since_s: float, why: str) -> None:
        """Something befell one arm only; a candidate may rightly be taken back for that."""
        if arm != self.field.stable:
            self.hurt.append((since_s, time.time(), why))

    @property
    def arms(self) -> tuple[Arm, Arm]:
        return self.field.stable, self.field.good
