"""The rollout by itself: (plan, state, evidence, now) -> the next step, or none.

Every client process runs it at every flush. It is a pure function, so many that see the same
decide the same, and compare-and-set lets one of them win. Rolling back looks at nothing but
counts: not at Triton, not at the candidate, not at the gate, not at the clock.

The dwell time is counted in watched minutes (`evidence`), never as a difference of two clock
readings, so a clock that jumps neither skips a phase nor ends one early.
"""

from __future__ import annotations

import dataclasses
from typing import Final

from .evidence import Evidence
from .fields import lasting
from .judge import Judgement, judge
from .limits import ReviewLimits
from .moves import leave_phase, roll_back
from .plan import Plan
from .share import last_requests
from .state import RolloutState
from .transition import Transition, moved, same_rollout
from .verdict import Verdict

# Stable must have been well for so long, and in so many requests, for a common cause to be over.
WELL_S: Final = 60.0
WELL_REQUESTS: Final = 20


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """What was seen, and what follows. missing: what a phase lacks to be left, line by line."""

    judgement: Judgement
    missing: tuple[str, ...]
    transition: Transition | None


def step(plan: Plan, state: RolloutState, evidence: Evidence, now_s: float) -> Transition | None:
    """The one thing to do now, or nothing. Never raises. See `look` for the reasons."""
    return look(plan, state, evidence, now_s).transition if state.live else None


def look(plan: Plan, state: RolloutState, evidence: Evidence, now_s: float) -> Step:
    """Judges and decides. evidence: of `state.epoch`, or the judge mixes weights.

    now_s: Unix time. Trips are to be looked at every second, advancing and `mode: literal` every
    `check_interval_seconds`; more often does no harm.
    """
    judgement = judge(plan.limits, evidence, weight_bp=state.weight_bp, now_s=now_s)
    missing = _missing(plan, state, evidence, judgement)
    return Step(judgement, missing, _decide(plan, state, evidence, judgement, missing, now_s))


def _decide(
    plan: Plan,
    state: RolloutState,
    evidence: Evidence,
    judgement: Judgement,
    missing: tuple[str, ...],
    now_s: float,
) -> Transition | None:
    if not state.live:
        return None
    if state.status == "frozen":
        return _thaw(plan, state, evidence, judgement, now_s)
    if judgement.common_cause is not None:
        return moved(
            state,
            "freeze",
            who="judge",
            why=f"stable fails too: {judgement.common_cause.why}",
            at_s=now_s,
            verdict=judgement.common_cause,
            new_epoch=True,  # what was counted meanwhile says nothing about the candidate
            status="frozen",
            cause="common_cause",
            held="paused" if state.status == "paused" else "running",
            dwell_s=state.dwell_s + evidence.watched_s,
        )
    if judgement.trip is not None:
        return _trip(plan, state, judgement, now_s)
    return None if missing or state.status != "running" else _go_on(plan, state, now_s)


def _go_on(plan: Plan, state: RolloutState, now_s: float) -> Transition:
    if plan.phases[state.phase].gate == "manual":
        why = f"phase {state.phase + 1} has all it needs; a person is to approve"
        return moved(state, "wait", who="controller", why=why, at_s=now_s, status="waiting")
    return leave_phase(plan, state, who="controller", why="gate: auto", at_s=now_s)


def _trip(plan: Plan, state: RolloutState, judgement: Judgement, now_s: float) -> Transition | None:
    verdict = judgement.trip
    if verdict is None:
        return None
    why = f"{verdict.rule}: {verdict.why}"
    if plan.on_failure == "freeze":
        return moved(
            state,
            "freeze",
            who="judge",
            why=why,
            at_s=now_s,
            verdict=verdict,
            status="frozen",
            cause="on_failure",
            held="paused" if state.status == "paused" else "running",
        )
    return roll_back(state, who="judge", why=why, at_s=now_s, verdict=verdict)


def _thaw(
    plan: Plan, state: RolloutState, evidence: Evidence, judgement: Judgement, now_s: float
) -> Transition | None:
    """A common cause is over by itself; anything else is a person's to end."""
    if state.cause != "common_cause" or judgement.common_cause is not None:
        return None
    lately = evidence.stable.since(now_s - WELL_S)
    n, s = last_requests((b.counts.requests, b.counts.errors) for b in reversed(lately))
    if evidence.watched_s < WELL_S or n < WELL_REQUESTS or s > plan.limits.errors * n:
        return None
    return moved(
        state,
        "thaw",
        who="controller",
        why=f"stable is well again: {s} errors in its last {n} requests",
        at_s=now_s,
        new_epoch=True,
        status=state.held,
        cause="",
        held="running",
        dwell_s=state.dwell_s + evidence.watched_s,
    )


def _missing(
    plan: Plan, state: RolloutState, evidence: Evidence, judgement: Judgement
) -> tuple[str, ...]:
    if not state.live:
        return (f"nothing is under way: {state.status}",)
    if not _fits(plan, state):
        return ("the plan is not the one that was started",)
    phase = plan.phases[state.phase]
    found = []
    dwell_s = state.dwell_s + evidence.watched_s
    if dwell_s < phase.min_dwell_s:
        found.append(f"watched {lasting(dwell_s)} of {lasting(phase.min_dwell_s)}")
    samples = evidence.attempts.requests
    if samples < phase.min_samples:
        found.append(f"samples {samples} of {phase.min_samples}")
    found += [
        f"{verdict.rule}: {verdict.why}"
        for verdict in judgement.verdicts
        if _holds(plan.limits.review, verdict)
    ]
    if judgement.advance.status != "PASS":
        found.append(f"proof: {judgement.advance.why}")
    return tuple(found)


def _holds(review: ReviewLimits | None, verdict: Verdict) -> bool:
    """Whether a verdict is a reason not to leave the phase."""
    if verdict.rule != "review" or review is None:
        return verdict.status in {"FAIL", "ERROR"}
    if review.binding:
        return verdict.status != "PASS"
    return verdict.status == "ERROR" or verdict.samples < review.min_reviewed


def _fits(plan: Plan, state: RolloutState) -> bool:
    """The plan is the state's own, and has the phase it is in."""
    same = same_rollout(state, plan.rollout_id, plan.stable, plan.candidate)
    return same and state.phase < len(plan.phases)
