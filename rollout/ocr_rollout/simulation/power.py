"""What the judge would have noticed by now: its power at the requests that were counted.

Candidates that fail at one rate from the start go through the judge's own rules for errors, as in
`odds`, request by request; what is counted is which of them it has taken back by then.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import numpy as np

from ocr_rollout.core.limits import Limits

from .odds import Rates, Scenario, draws
from .rules import judge_rules

ERROR_RULES: Final = frozenset({"early", "late", "share"})
SURELY: Final = 0.95
MOST: Final = 20_000  # requests that are simulated; more would only be surer
ROLLOUTS: Final = 400  # of each rate: 0.95 is known to 0.02, with 95 %
# True error rates, in multiples of the limit; those of 1 and more are left out.
TIMES: Final = (*(0.4, 1.0, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0), *(6.0, 10.0, 16.0))
_NEARLY_ALL: Final = 0.99


@dataclasses.dataclass(frozen=True)
class Power:
    """rates: true shares of errors; taken_back: the share of rollouts the judge had ended by now.

    requests: of the candidate, that were simulated; fewer than were counted where that is a lot.
    surely: the lowest rate from which on it would have ended 95 % of them; None: not even of those
    that nearly always fail.
    """

    requests: int
    rates: tuple[float, ...]
    taken_back: tuple[float, ...]
    surely: float | None

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def at(self, rate: float) -> float:
        """The share of rollouts at a true rate, between two simulated ones by a straight line."""
        return float(np.interp(rate, self.rates, self.taken_back))


def power(
    limits: Limits, requests: int, *, rollouts: int = ROLLOUTS, seed: int = 0
) -> Power | None:
    """None where nothing was counted, or where the limit is one that nothing exceeds.

    rollouts: of each rate.
    """
    rates = rates_of(limits.errors)
    n = min(requests, MOST)
    names = judge_rules(limits, 1, 1, 0.1).keys() & ERROR_RULES
    if not (n and names and rates):
        return None
    all_rates: Rates = np.repeat(np.array(rates), rollouts)
    found = judge_rules(limits, len(all_rates), n, 0.1)  # the share of traffic matters to quality
    rules = [found[name] for name in sorted(names)]
    scenario = Scenario(0.0, requests=n, rollouts=len(all_rates), seed=seed)
    ended = np.zeros(len(all_rates), dtype=np.bool_)
    for draw in draws(scenario, limits, all_rates):
        for rule in rules:
            ended |= rule.step(draw)
    taken_back = ended.reshape(len(rates), rollouts).mean(axis=1)
    shares = tuple(float(share) for share in np.maximum.accumulate(taken_back))
    return Power(n, rates, shares, _surely(rates, shares))


def rates_of(limit: float) -> tuple[float, ...]:
    """Rising, with the limit among them, up to where nearly all requests fail."""
    inside = [round(times * limit, 6) for times in TIMES if times * limit < _NEARLY_ALL]
    return (*inside, _NEARLY_ALL) if limit < _NEARLY_ALL else ()


def _surely(rates: tuple[float, ...], shares: tuple[float, ...]) -> float | None:
    """Where the line between the simulated rates passes 95 %."""
    if shares[-1] < SURELY:
        return None
    k = next(k for k, share in enumerate(shares) if share >= SURELY)
    if not k:
        return rates[0]
    return float(np.interp(SURELY, shares[k - 1 : k + 1], rates[k - 1 : k + 1]))
