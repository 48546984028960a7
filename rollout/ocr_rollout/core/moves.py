"""What people and the controller both do: into the next phase, and back to stable.

Apart from the controller, so that a command needs no judge: its scipy loads for half a second.
"""

from __future__ import annotations

from .plan import Plan
from .routing import BUCKETS
from .state import RolloutState, Tombstone
from .transition import Transition, moved
from .verdict import Verdict


def leave_phase(plan: Plan, state: RolloutState, *, who: str, why: str, at_s: float) -> Transition:
    """Into the next phase, or, after the last, to completion with all of the traffic."""
    following = state.phase + 1
    if following >= len(plan.phases):
        return moved(
            state,
            "complete",
            who=who,
            why=why,
            at_s=at_s,
            new_epoch=True,
            status="completed",
            weight_bp=BUCKETS,
            by_hand=False,
        )
    return moved(
        state,
        "advance",
        who=who,
        why=why,
        at_s=at_s,
        new_epoch=True,
        status="running",
        phase=following,
        weight_bp=plan.weight_bp(following),
        by_hand=False,
        dwell_s=0.0,
        entered_at_s=at_s,
    )


def roll_back(
    state: RolloutState, *, who: str, why: str, at_s: float, verdict: Verdict | None = None
) -> Transition:
    """Weight 0 and a tombstone, in one write, whatever the state of anything else."""
    return moved(
        state,
        "rollback",
        who=who,
        why=why,
        at_s=at_s,
        verdict=verdict,
        new_epoch=True,
        status="rolled_back",
        weight_bp=0,
        by_hand=False,
        cause="",
        tombstones=_buried(state, why, at_s),
    )


def _buried(state: RolloutState, why: str, at_s: float) -> tuple[Tombstone, ...]:
    """With the candidate's, which replaces an older one of the same weights."""
    others = tuple(stone for stone in state.tombstones if stone.digest != state.digest)
    stone = Tombstone(state.digest, state.candidate, state.rollout_id, why, at_s)
    return (*others, stone)
