"""Times of things compared in one loop, so that a busy machine is busy for all of them."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

Times = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Interval:
    """A median with its 95 % bootstrap interval."""

    median: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class Took:
    """What a call returns that was timed elsewhere, such as in another process."""

    ms: float


def interleave(
    calls: Mapping[str, Callable[[], object]], *, rounds: int, warm_up: int = 5, block: int = 1
) -> dict[str, Times]:
    """Milliseconds of every call, (rounds,) each; element i of all was taken in round i.

    The order turns round with every round. block: runs of one call in a row, of which the
    fastest counts; for calls whose threads go on spinning into the next one's time.
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    for name in calls:
        for _ in range(warm_up):
            calls[name]()
    names = list(calls)
    for index in range(rounds):
        for name in names if index % 2 else reversed(names):
            best = float("inf")
            for _ in range(block):
                start = time.perf_counter_ns()
                result = calls[name]()
                wall_ms = (time.perf_counter_ns() - start) / 1e6
                best = min(best, result.ms if isinstance(result, Took) else wall_ms)
            times[name].append(best)
    return {name: np.array(values) for name, values in times.items()}


def median(values: Times, *, resamples: int = 1000) -> Interval:
    """The interval is by resampling whole rounds; the same values give the same interval."""
    random = np.random.default_rng(0)
    drawn = np.median(random.choice(values, (resamples, len(values))), axis=1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Interval(float(np.median(values)), float(low), float(high))
