"""When requests come, for a load that does not wait for answers."""

from __future__ import annotations

import numpy as np


def poisson(rate: float, seconds: float, *, seed: int) -> list[float]:
    """Seconds from the start at which requests come, ascending, all before `seconds`.

    Callers who know nothing of each other make a Poisson process: pauses are exponential with mean
    1 / rate. Raises ValueError unless rate and seconds are positive.
    """
    if not (rate > 0 and seconds > 0):
        raise ValueError(f"rate {rate:g} and seconds {seconds:g} must be above 0")
    rng = np.random.default_rng(seed)
    times: list[float] = []
    last = 0.0
    while last < seconds:
        pauses = rng.exponential(1 / rate, max(16, int(rate * seconds)))
        times += (last + np.cumsum(pauses)).tolist()
        last = times[-1]
    return [time for time in times if time < seconds]
