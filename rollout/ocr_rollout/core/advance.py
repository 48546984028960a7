"""`advance`: enough clean requests to claim that the fault share is below the limit.

The mirror image of `early`: an e-process against "at least p0", so 95 % confidence holds however
often one looks. With one look 59 requests without an error would do at 5 %, 93 with one, 124 with
two, 153 with three; looking as often as one likes makes it 67, 128, 175 and 216.
"""

from __future__ import annotations

import math
from typing import Final

from .early import Prior, log_e_below
from .verdict import NO_LIMIT, Verdict, VerdictStatus, senseless

# Expects a good candidate to fail in about one request of a hundred.
GOOD: Final = Prior(0.5, 50.0)


def advance(n: int, s: int, *, p0: float, alpha: float = 0.05, least: int = 0) -> Verdict:
    """PASS once s faults in n requests refute "at least p0", and n is at least `least`.

    Never FAIL: what is not yet shown to be good is INCONCLUSIVE, and the phase waits.
    """
    error = senseless("advance", n, s)
    if error is not None:
        return error
    limit = 1 / alpha
    # A share is always below 100 %: then only the samples are asked for.
    value = limit if p0 >= NO_LIMIT else math.exp(min(log_e_below(n, s, p0, GOOD), 700.0))
    why = f"{s} of {n} are faults; evidence {value:.3g} for below {p0:.2%}, {limit:g} is needed"
    if n < max(least, 1):
        return Verdict("INCONCLUSIVE", "advance", value, limit, n, f"{why}; {least} requests too")
    status: VerdictStatus = "PASS" if value >= limit else "INCONCLUSIVE"
    return Verdict(status, "advance", value, limit, n, why)
