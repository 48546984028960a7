"""Which fault comes when: drawn from a seed before anything starts, so a run can be had again.

Every kind comes about equally often. Kinds of one lane follow each other, kinds of different lanes
overlap: a store may be away while Triton is killed.
"""

from __future__ import annotations

import dataclasses
import random
from typing import Final

# Kind -> lane.
KINDS: Final[dict[str, str]] = {
    "triton killed": "server",
    "triton paused": "server",
    "stub killed": "server",
    "stub paused": "server",
    "second triton joins and leaves": "server",
    "version swapped": "server",
    "network refused": "network",
    "network reset": "network",
    "network cut": "network",
    "network truncated": "network",
    "network delayed": "network",
    "network slow": "network",
    "network silent": "network",
    "sqlite file away": "sqlite",
    "sqlite disk full": "sqlite",
    "redis killed": "redis",
    "redis disk full": "redis",
    "clock jumped": "clock",
    "config rewritten badly": "config",
    "candidate goes bad": "candidate",
}
QUIET_BEFORE: Final = 0.04  # of the time, at the beginning and at the end
QUIET_AFTER: Final = 0.08


@dataclasses.dataclass(frozen=True)
class Planned:
    """number: from 1. at_s: from the beginning; later where its lane is busy. seed: of its own."""

    number: int
    at_s: float
    kind: str
    seed: int

    @property
    def lane(self) -> str:
        return KINDS[self.kind]


def plan(faults: int, seconds: float, seed: int, kinds: tuple[str, ...]) -> list[Planned]:
    """In order of time."""
    chance = random.Random(seed)
    deck: list[str] = []
    while len(deck) < faults:
        more = list(kinds)
        chance.shuffle(more)
        deck += more
    begin, end = QUIET_BEFORE * seconds, (1 - QUIET_AFTER) * seconds
    step_s = (end - begin) / max(1, faults)
    return [
        Planned(
            number + 1,
            begin + step_s * (number + chance.random()),
            kind,
            chance.randrange(2**32),
        )
        for number, kind in enumerate(deck[:faults])
    ]
