"""What people may do to a rollout. Each returns the step, or says why not; no state is changed.

| command | from | to |
|---|---|---|
| `start` | idle, rolled back, completed; or live with `on_new_candidate: restart` | running, phase 1 |
| `approve` | waiting | running, next phase; or completed |
| `pause`, `resume` | running, waiting; paused, frozen | paused; running or as before |
| `set_weight` | running, waiting, paused | the same phase at another share |
| `rollback` | every state but idle and rolled back | rolled back |
| `clear` | any | the same, a tombstone less |

Every one needs a name, and the ones that stop or overrule something a reason.
"""

from __future__ import annotations

from .moves import leave_phase, roll_back
from .plan import Plan
from .routing import BUCKETS
from .state import RolloutState
from .transition import Refusal, Transition, moved, same_rollout

Answer = Transition | Refusal


def start(
    plan: Plan, state: RolloutState, *, digest: str, by: str, note: str = "", at_s: float
) -> Answer:
    """digest: of the candidate's weights, as they lie in the repository now."""
    if (refusal := _named(by)) is not None:
        return refusal
    if not digest.strip():
        return Refusal(f"the digest of {plan.candidate}'s weights is not known; publish it first")
    stone = state.tombstone_of(digest)
    if stone is not None:
        return Refusal(
            f"{plan.candidate} was rolled back as {stone.arm} ({stone.reason}); "
            f"to try it again: ocrctl rollout clear {digest}"
        )
    if state.live:
        same = same_rollout(state, plan.rollout_id, plan.stable, plan.candidate)
        if same and state.digest == digest:
            return Refusal(f"rollout {state.rollout_id} of {state.candidate} is under way already")
        if plan.on_new_candidate == "refuse":
            return Refusal(
                f"rollout {state.rollout_id} of {state.candidate} is under way; roll it back "
                "first, or set on_new_candidate: restart"
            )
    return moved(
        state,
        "restart" if state.live else "start",
        who=by,
        why=note or f"start of {plan.candidate}",
        at_s=at_s,
        new_epoch=True,
        status="running",
        rollout_id=plan.rollout_id,
        stable=str(plan.stable),
        candidate=str(plan.candidate),
        digest=digest,
        phase=0,
        weight_bp=plan.weight_bp(0),
        by_hand=False,
        dwell_s=0.0,
        entered_at_s=at_s,
        held="running",
        cause="",
    )


def approve(plan: Plan, state: RolloutState, *, by: str, note: str, at_s: float) -> Answer:
    """Lets the rollout through the gate at which it waits."""
    if (refusal := _named(by)) is not None:
        return refusal
    if state.status != "waiting":
        return Refusal(f"nothing waits for an approval: the rollout is {_said(state)}")
    if not same_rollout(state, plan.rollout_id, plan.stable, plan.candidate):
        return Refusal(
            f"the plan is not the one of rollout {state.rollout_id} of {state.candidate}"
        )
    if state.phase >= len(plan.phases):
        return Refusal(f"the plan has no phase {state.phase + 1} any more; restore it")
    return leave_phase(plan, state, who=by, why=note or "approved", at_s=at_s)


def pause(state: RolloutState, *, by: str, reason: str = "", at_s: float) -> Answer:
    """Keeps the share where it is. The guard stays on."""
    if (refusal := _named(by)) is not None:
        return refusal
    if state.status not in {"running", "waiting"}:
        return Refusal(f"there is nothing to pause: the rollout is {_said(state)}")
    return moved(state, "pause", who=by, why=reason or "paused", at_s=at_s, status="paused")


def resume(state: RolloutState, *, by: str, reason: str = "", at_s: float) -> Answer:
    """Goes on in the same phase; after a freeze with fresh counts, or it would trip again."""
    if (refusal := _named(by)) is not None:
        return refusal
    if state.status not in {"paused", "frozen"}:
        return Refusal(f"there is nothing to resume: the rollout is {_said(state)}")
    frozen = state.status == "frozen"
    return moved(
        state,
        "resume",
        who=by,
        why=reason or "resumed",
        at_s=at_s,
        new_epoch=frozen,
        status="running",
        cause="",
        held="running",
    )


def rollback(state: RolloutState, *, by: str, reason: str, at_s: float) -> Answer:
    """Takes the candidate back to weight 0 at once and buries it."""
    if (refusal := _named(by)) is not None:
        return refusal
    if not reason.strip():
        return Refusal("a rollback needs a reason; give --reason TEXT")
    if state.status in {"idle", "rolled_back"}:
        return Refusal(f"there is nothing to roll back: the rollout is {_said(state)}")
    return roll_back(state, who=by, why=reason, at_s=at_s)


def set_weight(
    plan: Plan, state: RolloutState, *, weight_bp: int, by: str, note: str, at_s: float
) -> Answer:
    """Another share in the same phase, up to the blast radius; its dwell begins anew."""
    if (refusal := _named(by)) is not None:
        return refusal
    if state.status not in {"running", "waiting", "paused"}:
        return Refusal(f"no share can be set: the rollout is {_said(state)}")
    if not same_rollout(state, plan.rollout_id, plan.stable, plan.candidate):
        return Refusal(
            f"the plan is not the one of rollout {state.rollout_id} of {state.candidate}"
        )
    highest = plan.highest_by_hand_bp(min(state.phase, len(plan.phases) - 1))
    if not 0 <= weight_bp <= highest:
        return Refusal(
            f"a share of {weight_bp / BUCKETS:g} is not accepted; by hand it is at most "
            f"{highest / BUCKETS:g} in phase {state.phase + 1}"
        )
    if weight_bp == state.weight_bp:
        return Refusal(f"the share is {weight_bp / BUCKETS:g} already")
    return moved(
        state,
        "set-weight",
        who=by,
        why=note or "set by hand",
        at_s=at_s,
        new_epoch=True,
        status="paused" if state.status == "paused" else "running",
        weight_bp=weight_bp,
        by_hand=True,
        dwell_s=0.0,
    )


def clear(state: RolloutState, *, digest: str, by: str, note: str = "", at_s: float) -> Answer:
    """Lets rolled-back weights be tried again. It starts nothing."""
    if (refusal := _named(by)) is not None:
        return refusal
    stone = state.tombstone_of(digest)
    if stone is None:
        known = ", ".join(other.digest for other in state.tombstones) or "none"
        return Refusal(f"{digest!r} is not the digest of a tombstone; there are: {known}")
    return moved(
        state,
        "clear",
        who=by,
        why=note or f"{stone.arm} may be tried again",
        at_s=at_s,
        tombstones=tuple(other for other in state.tombstones if other is not stone),
    )


def _named(by: str) -> Refusal | None:
    return None if by.strip() else Refusal("who does it? Give a name: --by NAME")


def _said(state: RolloutState) -> str:
    return state.status.replace("_", " ")
