"""One step of a rollout: the state after it, and the line it leaves in the audit log."""

from __future__ import annotations

import dataclasses
from typing import Any

from .routing import Arm
from .state import AuditEntry, RolloutState
from .verdict import Verdict


@dataclasses.dataclass(frozen=True, slots=True)
class Transition:
    """To be written with compare-and-set on `expected`, both parts at once.

    expected: the generation that it was decided on. The new state's is one higher.
    """

    expected: int
    state: RolloutState
    audit: AuditEntry


@dataclasses.dataclass(frozen=True, slots=True)
class Refusal:
    """A command that is not carried out; the state is untouched. reason: one line for people."""

    reason: str


def moved(
    before: RolloutState,
    action: str,
    *,
    who: str,
    why: str,
    at_s: float,
    verdict: Verdict | None = None,
    new_epoch: bool = False,
    **changes: Any,
) -> Transition:
    """The state with changes, one generation on.

    new_epoch: counting begins anew, because the traffic or what it means was changed.
    """
    generation = before.generation + 1
    if new_epoch:
        changes["epoch"] = generation
    after = dataclasses.replace(before, generation=generation, reason=why, **changes)
    audit = AuditEntry(
        at_s=at_s,
        who=who,
        action=action,
        why=why,
        generation=generation,
        rollout_id=after.rollout_id,
        candidate=after.candidate,
        from_status=before.status,
        to_status=after.status,
        from_phase=before.phase,
        to_phase=after.phase,
        from_weight_bp=before.weight_bp,
        to_weight_bp=after.weight_bp,
    )
    if verdict is not None:
        audit = dataclasses.replace(
            audit,
            rule=verdict.rule,
            observed=verdict.observed,
            limit=verdict.limit,
            samples=verdict.samples,
        )
    return Transition(before.generation, after, audit)


def same_rollout(state: RolloutState, rollout_id: str, stable: Arm, candidate: Arm) -> bool:
    """Whether a plan is the one that a state follows."""
    return (state.rollout_id, state.stable, state.candidate) == (
        rollout_id,
        str(stable),
        str(candidate),
    )
