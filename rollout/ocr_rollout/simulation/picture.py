"""The numbers behind the drawing of a simulation: `plot` turns them into one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final

import numpy as np

from ocr_rollout.core.limits import Limits
from ocr_rollout.core.plan import Plan

from .odds import Odds, Rates, Scenario, draws, fired
from .rules import NEVER, Flags, Numbers
from .timeline import Timeline

# True error rates that the odds are drawn over.
RATES: Final = (
    *(0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.035, 0.04, 0.045, 0.05, 0.055, 0.06, 0.065, 0.07),
    *(0.08, 0.09, 0.1, 0.125, 0.15, 0.2, 0.3, 0.5),
)
ROLLOUTS_PER_RATE: Final = 200
SWEPT: Final = 20_000  # candidate requests of each of those, at most


@dataclasses.dataclass(frozen=True)
class Sweep:
    """Odds by true error rate.

    rates: (K,). taken_back: by rule, (K,): share of rollouts taken back within `requests`.
    """

    rates: Rates
    taken_back: Mapping[str, Rates]
    requests: int


@dataclasses.dataclass(frozen=True)
class Stream:
    """One rollout, request by request.

    errors: (N,) which of the candidate's requests failed. fired: by rule, the request (1 = first)
    at which it would take the candidate back; rules that never do are left out.
    """

    errors: Flags
    fired: Mapping[str, int]


@dataclasses.dataclass(frozen=True)
class Picture:
    """All that is drawn. fired: by rule, (R,), see `odds.fired`."""

    plan: Plan
    scenario: Scenario
    fired: Mapping[str, Numbers]
    table: tuple[Odds, ...]
    stream: Stream
    sweep: Sweep
    timeline: Timeline


def picture(
    plan: Plan,
    scenario: Scenario,
    found: Mapping[str, Numbers],
    table: list[Odds],
    timeline: Timeline,
) -> Picture:
    """found, table, timeline: of this scenario, as they are printed."""
    return Picture(
        plan,
        scenario,
        found,
        tuple(table),
        typical(scenario, plan.limits, found),
        sweep(scenario, plan.limits),
        timeline,
    )


def typical(scenario: Scenario, limits: Limits, found: Mapping[str, Numbers]) -> Stream:
    """Of all rollouts the one in which the judge is as quick as in the median."""
    judged = found["judge"]
    column = int(np.argsort(judged, kind="stable")[len(judged) // 2])
    errors = [bool(draw.error[column]) for draw in draws(scenario, limits)]
    first = {name: int(numbers[column]) for name, numbers in found.items()}
    return Stream(np.array(errors), {name: n for name, n in first.items() if n != NEVER})


def sweep(scenario: Scenario, limits: Limits) -> Sweep:
    """Candidates that fail at one rate from the start, everything else as in the scenario."""
    rates = np.array(RATES)
    swept = dataclasses.replace(
        scenario,
        becomes=None,
        after=0,
        requests=min(scenario.requests, SWEPT),
        rollouts=len(rates) * ROLLOUTS_PER_RATE,
    )
    found = fired(swept, limits, np.repeat(rates, ROLLOUTS_PER_RATE))
    taken_back = {
        name: (numbers < NEVER).reshape(len(rates), ROLLOUTS_PER_RATE).mean(axis=1)
        for name, numbers in found.items()
    }
    return Sweep(rates, taken_back, swept.requests)
