"""`late`: good for long, then bad. CUSUM, which forgets the good past.

    g = max(0, g + log LR),  log LR of s faults in n = s ln(p1/p0) + (n-s) ln((1-p1)/(1-p0))

with an alarm at g >= h (Page 1954, Biometrika 41, 100; Lorden 1971, Ann. Math. Stat. 42, 1897).
g is the largest sum over any stretch that ends now, so it is computed from the time buckets and
nothing has to be carried along: the same counts give the same verdict in every process. Stretches
start where buckets do; a start within a bucket can only be missed, never invented, so merging old
buckets raises no alarm that single requests would not have raised.

Faults come in bursts: a process that has no processor for a moment, a connection that breaks with
all that was under way. To a sum over single requests, 9 of 9 are overwhelming, though they are one
event. So with `stalls` one bucket adds at most the h-th part of so many: no trouble shorter than
so many buckets (seconds, while they are fresh) speaks for a verdict, however much traffic it hits.
Below a few requests a second nothing changes. Bounding what one observation can say is Huber's
censored likelihood ratio (1965, Ann. Math. Stat. 36, 1753), here of seconds.

A CUSUM pays for its quickness with false alarms, which add up over the whole rollout. At exactly
p0 about one in e^h stretches of a few hundred requests alarms: h is set for 20,000 requests, see
docs/decisions/judge.md.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from typing import Final

from .verdict import NO_LIMIT, Rule, Verdict, VerdictStatus, senseless

H: Final = 10.5  # natural logarithms
STALLS: Final = 3  # buckets
WORSE: Final = 4.0  # the bad share that it is tuned to, in multiples of the limit


@dataclasses.dataclass(frozen=True, slots=True)
class Cusum:
    """g: the statistic. start_s: of the stretch that gives it, None where g is 0; n, s: in it."""

    g: float = 0.0
    start_s: int | None = None
    n: int = 0
    s: int = 0


def log_ratios(p0: float) -> tuple[float, float]:
    """Log LR of one fault and of one request that went well.

    p1 is WORSE times p0, or, where that leaves no room, halfway between p0 and 1.
    """
    p1 = min(WORSE * p0, (1 + p0) / 2)
    return math.log(p1 / p0), math.log((1 - p1) / (1 - p0))


def cusum(buckets: Iterable[tuple[int, int, int]], p0: float, most: float = math.inf) -> Cusum:
    """(start in seconds, requests, faults) of each bucket, oldest first -> g and its stretch.

    most: that one bucket adds to g.
    """
    bad, good = log_ratios(p0)
    g, start, n, s = 0.0, None, 0, 0
    for start_s, requests, faults in buckets:
        if not requests:
            continue
        if start is None:
            start = start_s
        g += min(most, faults * bad + (requests - faults) * good)
        n, s = n + requests, s + faults
        if g <= 0:
            g, start, n, s = 0.0, None, 0, 0
    return Cusum(g, start, n, s)


def late(
    buckets: Iterable[tuple[int, int, int]],
    *,
    p0: float,
    h: float = H,
    least: int = 30,
    rule: Rule = "late",
    stalls: int = STALLS,
) -> Verdict:
    """FAIL when some stretch up to now is that much likelier under p1 than under p0.

    buckets: (start in seconds, requests, faults), oldest first.
    least: requests below which seeing nothing bad is INCONCLUSIVE.
    stalls: buckets that a trouble has to last for at least.
    """
    if p0 >= NO_LIMIT:
        return Verdict("INCONCLUSIVE", rule, None, h, 0, f"a limit of {p0:.1%} is never exceeded")
    seen, total = tuple(buckets), 0
    for _, n, s in seen:
        error = senseless(rule, n, s)
        if error is not None:
            return error
        total += n
    enough: VerdictStatus = "PASS" if total >= least else "INCONCLUSIVE"
    found = cusum(seen, p0, h / stalls)
    if not found.n:
        return Verdict(enough, rule, 0.0, h, total, f"no stretch above {p0:.2%} up to now")
    why = (
        f"{found.s} of the last {found.n} are faults; g {found.g:.2f} against {p0:.2%}, limit {h:g}"
    )
    return Verdict("FAIL" if found.g >= h else enough, rule, found.g, h, found.n, why)
