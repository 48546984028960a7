"""How a process's part in the rollout is doing, for metrics and people."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the judge's scipy loads slowly, and nobody needs it for a snapshot
    from ocr_rollout.core.controller import Step


@dataclasses.dataclass(frozen=True, slots=True)
class Health:
    """A snapshot of one `Member`.

    store_ok: the last conversation with the store went well. store_error: else why, in one line.
    state_error: why the shared state or counts cannot be read, e.g. written by a newer version;
        the last good view stays and nothing is written meanwhile. Empty: all can be read.
    last_flush_s: Unix time at which everything was last in the store; None: never yet.
    unsent: outcomes that wait for the store. dropped: outcomes that will never be counted,
        because memory is bounded or no store would take them.
    repeats: outcomes of a bucket key that had been counted in its window; they count once.
    generation, epoch, weight_bp: of the view.
    follows: the shared state is of this process's plan.
    commits, lost: transitions that this process won, and that another one was quicker with.
    step: what the judge last saw; None before it looked, and while nothing is under way.
    """

    store_ok: bool
    store_error: str
    state_error: str
    last_flush_s: float | None
    unsent: int
    dropped: int
    repeats: int
    generation: int
    epoch: int
    weight_bp: int
    follows: bool
    commits: int
    lost: int
    step: Step | None
