"""Odds of a rollback and requests to it, for every rule on the same made streams."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import binom, norm

from ocr_rollout.core.limits import Limits

from .rules import NEVER, Checks, Draw, Flags, Numbers, PlainShare, Rule, judge_rules

Rates = npt.NDArray[np.float64]

SPREAD = 0.4  # standard deviation of the logarithm of a latency, the same for both arms
_BLOCK = 128  # requests drawn at a time


@dataclasses.dataclass(frozen=True, slots=True)
class Scenario:
    """One candidate. All shares 0..1.

    candidate_error: of its requests that fail; from request `after` on, `becomes` of them.
    stable_error: of stable's; in `odds` it matters only where both arms fail, so not at all.
    fault: share of empty and garbled answers of the candidate, stable_fault: of stable.
    slower: how many times stable's latency the candidate's is.
    requests: of the candidate. over: of a whole rollout, by which the others' rules are tuned.
    per_day: of both arms. weight: the candidate's share.
    """

    candidate_error: float
    becomes: float | None = None
    after: int = 0
    stable_error: float = 0.01
    fault: float = 0.01
    stable_fault: float = 0.01
    slower: float = 1.0
    requests: int = 20_000
    over: int = 20_000
    per_day: float = 200_000.0
    weight: float = 0.10
    rollouts: int = 2_000
    seed: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Odds:
    """One rule on one scenario.

    false: share of rollouts it took back before the candidate went bad; with a candidate that
        stays within the limit, at any time.
    found: share of the others that it took back after that.
    median, p95: requests from there to the rollback, of those others; None: not reached by so many.
    median_s: the median in seconds at the scenario's traffic.
    """

    rule: str
    false: float
    found: float
    median: float | None
    p95: float | None
    median_s: float | None

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def rules_of(scenario: Scenario, limits: Limits) -> tuple[dict[str, Rule], dict[str, Rule]]:
    """(the judge's, others'): the plain sentence, and Argo's and Flagger's checks.

    Each of those two stands there with its documentation's numbers, and tuned to the same traffic:
    the number of requests in a check and the number of failed checks that is quickest at 20 %
    errors of those that take back a candidate at 2 % (of a limit of 5 %) in at most 1 of 100
    rollouts.
    """
    rollouts, p0 = scenario.rollouts, limits.errors
    minute = max(1, round(scenario.per_day * scenario.weight / 1_440))
    requests, most = tuned(p0, 0.4 * p0, scenario.over, false=0.01)
    strict_requests, strict_most = tuned(p0, p0, scenario.over, false=0.05)
    others: dict[str, Rule] = {
        f"share > {p0:.3g}, all requests": PlainShare(rollouts, p0),
        "Argo 5 min, failureLimit 3": Checks(rollouts, p0, 5 * minute, 3),
        "Flagger 1 min, threshold 5": Checks(rollouts, p0, minute, 4),
        f"Argo/Flagger tuned to 1 % false at {0.4 * p0:.3g}": Checks(rollouts, p0, requests, most),
        f"Argo/Flagger tuned to 5 % false at {p0:.3g}": Checks(
            rollouts, p0, strict_requests, strict_most
        ),
    }
    return judge_rules(limits, rollouts, scenario.requests, scenario.weight), others


def tuned(p0: float, healthy: float, requests: int, *, false: float) -> tuple[int, int]:
    """(requests a check, failed checks put up with) that is quickest at 4 times p0.

    Exact: the number of failed checks is binomial.
    """
    found = []
    for size in (5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 400, 500, 750, 1_000):
        checks = requests // size
        if not checks:
            continue
        fails = float(binom.sf(int(p0 * size + 1e-9), size, healthy))
        most = max(0, int(binom.ppf(1 - false, checks, fails)))
        seen = float(binom.sf(int(p0 * size + 1e-9), size, min(1.0, 4 * p0)))
        found.append((size * (most + 1) / max(seen, 1e-9), size, most))
    _, size, most = min(found)
    return size, most


def odds(scenario: Scenario, limits: Limits) -> list[Odds]:
    """`judge` (all of its rules) first, then each of them, then the others."""
    return odds_of(fired(scenario, limits), scenario, limits)


def odds_of(found: Mapping[str, Numbers], scenario: Scenario, limits: Limits) -> list[Odds]:
    """found: what `fired` found."""
    return [_odds(name, first, scenario, limits) for name, first in found.items()]


def fired(scenario: Scenario, limits: Limits, errors: Rates | None = None) -> dict[str, Numbers]:
    """By rule, `judge` first: the request (1 = first) that takes each rollout back, or NEVER.

    errors: (R,) true error rates, one a rollout, instead of the scenario's.
    """
    ours, others = rules_of(scenario, limits)
    rules = {**ours, **others}
    found = {name: np.full(scenario.rollouts, NEVER) for name in rules}
    for number, draw in enumerate(draws(scenario, limits, errors), start=1):
        for name, rule in rules.items():
            now = rule.step(draw)
            if now.any():
                first = found[name]
                first[now & (first == NEVER)] = number
    return {"judge": np.minimum.reduce([found[name] for name in ours]), **found}


def draws(scenario: Scenario, limits: Limits, errors: Rates | None = None) -> Iterator[Draw]:
    """The requests of all rollouts, one after another. errors: as in `fired`."""
    rng = np.random.default_rng(scenario.seed)
    slow = slow_share(scenario.slower, limits.latency_ratio)
    # Between two requests of the candidate, stable's faults are geometric: each of the next
    # requests that matter is the candidate's with this probability.
    w, q = scenario.weight, scenario.stable_fault
    candidates = w / (w + (1 - w) * q)
    for start in range(0, scenario.requests, _BLOCK):
        size = min(_BLOCK, scenario.requests - start), scenario.rollouts
        share = np.full((size[0], 1), scenario.candidate_error)
        if errors is not None:
            share = np.broadcast_to(errors, size)
        elif scenario.becomes is not None:
            share[max(0, scenario.after - start) :] = scenario.becomes
        error: Flags = rng.random(size) < share
        fault: Flags = ~error & (rng.random(size) < scenario.fault)
        late: Flags = rng.random(size) < slow
        stable = rng.geometric(candidates, size) - 1
        for k in range(size[0]):
            yield Draw(error[k], fault[k], late[k], stable[k])


def healthy(scenario: Scenario, limits: Limits) -> bool:
    """Whether the candidate stays within every limit, so that any rollback is a false one."""
    last = scenario.candidate_error if scenario.becomes is None else scenario.becomes
    return (
        last <= limits.errors
        and scenario.fault <= limits.quality_ratio * scenario.stable_fault
        and slow_share(scenario.slower, limits.latency_ratio) <= 0.05
    )


def slow_share(slower: float, ratio: float | None) -> float:
    """Share of the candidate's attempts beyond `ratio` times stable's p95, log-normal latencies."""
    if ratio is None:
        return 0.0
    return float(norm.sf(norm.ppf(0.95) + np.log(ratio / slower) / SPREAD))


def _odds(rule: str, fired: Numbers, scenario: Scenario, limits: Limits) -> Odds:
    turns_bad = scenario.after if scenario.becomes is not None else 0
    if healthy(scenario, limits):
        return Odds(rule, float((fired < NEVER).mean()), 0.0, None, None, None)
    before = fired <= turns_bad
    others = np.sort(fired[~before])
    if not len(others):
        return Odds(rule, float(before.mean()), 0.0, None, None, None)

    def at(q: float) -> float | None:
        value = others[min(len(others) - 1, int(q * len(others)))]
        return None if value == NEVER else float(value - turns_bad)

    median = at(0.5)
    per_s = scenario.per_day * scenario.weight / 86_400
    return Odds(
        rule,
        float(before.mean()),
        float((others < NEVER).mean()),
        median,
        at(0.95),
        None if median is None else median / per_s,
    )
