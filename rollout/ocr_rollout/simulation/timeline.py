"""A whole rollout in made time: the real controller, judge and windows, step by step.

Each step (a few minutes) draws the counts of both arms, marks the time as watched, and lets
`core.controller.look` decide, as a client process does every second. A person approves some time
after the rollout begins to wait.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from ocr_rollout.core.commands import approve, start
from ocr_rollout.core.controller import look
from ocr_rollout.core.counts import EDGES_MS, Counts
from ocr_rollout.core.evidence import Evidence
from ocr_rollout.core.outcomes import OUTCOMES
from ocr_rollout.core.plan import Plan
from ocr_rollout.core.routing import BUCKETS
from ocr_rollout.core.state import RolloutState
from ocr_rollout.core.transition import Refusal, Transition

from .odds import SPREAD, Scenario

_MEDIAN_MS = 60.0  # of stable's latency; only the ratio of the arms matters
_BEGIN_S = 1_700_000_000.0
_LONGEST_STEPS = 20_000


@dataclasses.dataclass(frozen=True, slots=True)
class Stay:
    """One phase as it went. hours: until it was left, gate included; requests: candidate's."""

    phase: int
    share: float
    hours: float
    requests: int


@dataclasses.dataclass(frozen=True, slots=True)
class Timeline:
    """outcome: the last status. reason: of the last transition."""

    stays: tuple[Stay, ...]
    outcome: str
    reason: str

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def timeline(
    plan: Plan, scenario: Scenario, *, step_s: float = 600.0, approval_s: float = 3_600.0
) -> Timeline:
    """One rollout, until it ends or for 20,000 steps.

    scenario.weight is not used: the plan says the share. approval_s: how long people take.
    """
    rng = np.random.default_rng(scenario.seed)
    state, now, waits_since = _applied(RolloutState(), plan, _BEGIN_S), _BEGIN_S, math.inf
    evidence, stays, began = Evidence(), [], now
    seen = 0  # the candidate's requests, over all phases
    for _ in range(_LONGEST_STEPS):
        now += step_s
        evidence = _counted(evidence, state, scenario, rng, now, step_s, seen)
        answer: Transition | Refusal | None = look(plan, state, evidence, now).transition
        if answer is None and now - waits_since >= approval_s:
            answer = approve(plan, state, by="simulation", note="", at_s=now)
        if not isinstance(answer, Transition):
            continue
        after = answer.state
        waits_since = now if after.status == "waiting" else math.inf
        if after.epoch != state.epoch:
            seen += evidence.attempts.requests
            if after.phase != state.phase or not after.live:
                stays.append(
                    Stay(
                        state.phase + 1,
                        state.weight_bp / BUCKETS,
                        (now - began) / 3_600,
                        evidence.attempts.requests,
                    )
                )
                began = now
            evidence = Evidence()
        state = after
        if not state.live:
            break
    return Timeline(tuple(stays), state.status, state.reason)


def _applied(state: RolloutState, plan: Plan, now: float) -> RolloutState:
    answer = start(plan, state, digest="simulated", by="simulation", at_s=now)
    return answer.state if isinstance(answer, Transition) else state


def _counted(
    evidence: Evidence,
    state: RolloutState,
    scenario: Scenario,
    rng: np.random.Generator,
    now: float,
    step_s: float,
    seen: int,
) -> Evidence:
    """With one more step of traffic at the state's weight."""
    requests = int(rng.poisson(scenario.per_day * step_s / 86_400))
    ours = int(rng.binomial(requests, state.weight_bp / BUCKETS))
    turned = scenario.becomes is not None and (seen + evidence.attempts.requests >= scenario.after)
    share = scenario.becomes if turned and scenario.becomes is not None else None
    error = scenario.candidate_error if share is None else share
    candidate = _outcomes(ours, error, scenario.fault, scenario.slower, rng)
    stable = _outcomes(requests - ours, scenario.stable_error, scenario.stable_fault, 1.0, rng)
    return dataclasses.replace(
        evidence,
        candidate=evidence.candidate.added(now, candidate),
        stable=evidence.stable.added(now, stable),
        watched_s=evidence.watched_s + step_s,
    )


def _outcomes(
    n: int, error: float, fault: float, slower: float, rng: np.random.Generator
) -> Counts:
    errors = int(rng.binomial(n, error))
    faults = int(rng.binomial(n - errors, fault))
    said = (("server_error", errors), ("empty", faults), ("ok", n - errors - faults))
    outcomes = dict.fromkeys(OUTCOMES, 0) | dict(said)
    latencies = rng.multinomial(n - errors, _bins(slower))
    return Counts(tuple(outcomes.values()), tuple(map(int, latencies)))


def _bins(slower: float) -> npt.NDArray[np.float64]:
    """Share of log-normal latencies in each bin."""
    edges = np.log(np.array(EDGES_MS) / (_MEDIAN_MS * slower)) / SPREAD
    return np.diff(norm.cdf(edges), prepend=0.0, append=1.0)
