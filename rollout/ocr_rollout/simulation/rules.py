"""The judge's rules for many rollouts at once, request by request.

What is carried along is what the rules of `core` depend on: counts and a running maximum. Their
limits come from the very functions of `core`: where `early` trips is looked up in a table that
`core.early.log_e` made. A test replays streams through `core` itself and finds the same requests.

Arrays are (R,), one entry a rollout. `step` says which of them the rule would take back now.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from ocr_rollout.core.early import EVEN, Prior, log_e, lower_bound
from ocr_rollout.core.late import H, log_ratios
from ocr_rollout.core.limits import Limits
from ocr_rollout.core.share import LAST, LEAST
from ocr_rollout.core.verdict import NO_LIMIT

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]
NEVER: Final = np.iinfo(np.int64).max


@dataclasses.dataclass(frozen=True, slots=True)
class Draw:
    """The next request of the candidate in each rollout, and what stable did since the last one.

    error, fault, slow: of the candidate's attempt; fault: empty or garbled.
    stable_faults: empty and garbled answers of stable since then.
    """

    error: Flags
    fault: Flags
    slow: Flags
    stable_faults: Numbers


class Rule(Protocol):
    """A rule with the counts of R rollouts."""

    def step(self, draw: Draw) -> Flags:
        """Counts one more request of each rollout; which of them trip now."""


def first_trips(most: int, trips: Callable[[int, int], bool]) -> Numbers:
    """For n = 0..most the fewest faults s that trip; n + 1 where not even n do.

    trips(n, s) is monotone: more faults of as many requests never save a candidate, and each
    request more raises the limit by one fault at most.
    """
    table = np.empty(most + 1, dtype=np.int64)
    least = 0
    for n in range(most + 1):
        while least <= n and not trips(n, least):
            least += 1
        table[n] = least
    return table


def early_table(most: int, p0: float, alpha: float, prior: Prior | None = None) -> Numbers:
    limit = math.log(1 / alpha)
    chosen = prior or Prior()
    return first_trips(most, lambda n, s: log_e(n, s, p0, chosen) >= limit)


class Early:
    def __init__(self, rollouts: int, table: Numbers) -> None:
        self._table = table
        self._n = 0
        self._s = np.zeros(rollouts, dtype=np.int64)

    def step(self, draw: Draw) -> Flags:
        self._n += 1
        self._s += draw.error
        return np.asarray(self._s >= self._table[self._n])


class Late:
    """Of requests that come one by one: what a second may say at most is left out.

    field: `error` or `slow`.
    """

    def __init__(self, rollouts: int, p0: float, h: float = H, field: str = "error") -> None:
        self._bad, self._good = log_ratios(p0)
        self._h, self._field = h, field
        self._g = np.zeros(rollouts)

    def step(self, draw: Draw) -> Flags:
        self._g += np.where(getattr(draw, self._field), self._bad, self._good)
        np.maximum(self._g, 0, out=self._g)
        return self._g >= self._h


class Share:
    """The last 200, at least 100. table: with `confirmed`, where the lower bound is above."""

    def __init__(self, rollouts: int, p0: float, table: Numbers | None = None) -> None:
        self._p0, self._table = p0, table
        self._n = 0
        self._ring = np.zeros((LAST, rollouts), dtype=np.int64)
        self._recent = np.zeros(rollouts, dtype=np.int64)
        self._s = np.zeros(rollouts, dtype=np.int64)

    def step(self, draw: Draw) -> Flags:
        slot = self._n % LAST
        self._recent += draw.error
        self._recent -= self._ring[slot]
        self._ring[slot] = draw.error
        self._s += draw.error
        self._n += 1
        n = min(self._n, LAST)
        if n < LEAST:
            return np.zeros_like(draw.error)
        trips = self._recent > self._p0 * n
        if self._table is None:
            return np.asarray(trips)
        return np.asarray(trips & (self._s >= self._table[self._n]))


class PlainShare:
    """All requests so far, no minimum: the sentence taken at its word."""

    def __init__(self, rollouts: int, p0: float) -> None:
        self._p0 = p0
        self._n = 0
        self._s = np.zeros(rollouts, dtype=np.int64)

    def step(self, draw: Draw) -> Flags:
        self._n += 1
        self._s += draw.error
        return np.asarray(self._s > self._p0 * self._n)


class TwoArms:
    """Of the faults of both arms, the candidate's."""

    def __init__(self, rollouts: int, p0: float, table: Numbers) -> None:
        self._table = table
        self._bad, self._good = log_ratios(p0)
        self._n = np.zeros(rollouts, dtype=np.int64)
        self._s = np.zeros(rollouts, dtype=np.int64)
        self._g = np.zeros(rollouts)

    def step(self, draw: Draw) -> Flags:
        self._n += draw.stable_faults + draw.fault
        self._s += draw.fault
        self._g += draw.stable_faults * self._good
        np.maximum(self._g, 0, out=self._g)
        self._g += draw.fault * self._bad
        known = self._n < len(self._table)  # beyond, nothing new is to be expected
        limit = self._table[np.where(known, self._n, 0)]
        return np.asarray((known & (self._s >= limit)) | (self._g >= H))


class Checks:
    """Argo Rollouts and Flagger: a check every so many requests, failed above p0; so many failed
    checks take the candidate back. Failed checks add up and are never forgiven.

    most: failed checks that are put up with: Argo's failureLimit, or Flagger's threshold less one.
    (Argo's consecutiveErrorLimit is about checks that could not be made; every check here can.)
    """

    def __init__(self, rollouts: int, p0: float, requests: int, most: int) -> None:
        self._p0, self._requests, self._most = p0, requests, most
        self._n = 0
        self._s = np.zeros(rollouts, dtype=np.int64)
        self._failed = np.zeros(rollouts, dtype=np.int64)

    def step(self, draw: Draw) -> Flags:
        self._s += draw.error
        self._n += 1
        if self._n % self._requests:
            return np.zeros_like(draw.error)
        self._failed += self._s > self._p0 * self._requests
        self._s[:] = 0
        return self._failed > self._most


def judge_rules(limits: Limits, rollouts: int, requests: int, weight: float) -> dict[str, Rule]:
    """The rules that may trip in the limits' mode, by name."""
    p0 = limits.errors
    if limits.mode == "literal":
        return {"share": Share(rollouts, p0)}
    rules: dict[str, Rule] = {}
    if p0 < NO_LIMIT:  # else no number of errors is too many
        surely = first_trips(requests, lambda n, s: lower_bound(n, s, limits.alpha) > p0)
        rules = {
            "early": Early(rollouts, early_table(requests, p0, limits.alpha)),
            "late": Late(rollouts, p0),
            "share": Share(rollouts, p0, surely),
        }
    ratio = limits.quality_ratio
    faults_p0 = ratio * weight / (ratio * weight + 1 - weight)
    if faults_p0 < NO_LIMIT:  # else stable has no traffic to compare with
        table = early_table(20_000, faults_p0, limits.alpha / 2, EVEN)
        rules["quality"] = TwoArms(rollouts, faults_p0, table)
    return {**rules, "latency": Late(rollouts, 0.05, field="slow")}
