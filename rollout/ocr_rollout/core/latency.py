"""`latency`: quantiles, never means only.

"p95 above a limit" is "more than 5 % of the attempts take longer than the limit", so slowness is a
share of slow attempts and `late`'s CUSUM judges it. Two limits: an absolute objective, and a
multiple of stable's p95 over the same time, so that a busy host is nobody's fault. For the
multiple, stable's p95 is taken at its upper 99 % confidence bound (order statistic). Latencies are
counted in bins 9 % wide, and every doubt is the candidate's benefit: it trips between 2 and 2.4
times stable's p95 where the ratio is 2.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Final

from .counts import EDGES_MS, Counts, quantile_ms, slower_than
from .late import late
from .verdict import Rule, Verdict
from .windows import Bucket, Series

QUANTILE: Final = 0.95
LEAST: Final = 100  # timed attempts of either arm
LAST: Final = 200  # with little traffic as many are looked at, however old


def objective(
    stable: Series[Counts],
    candidate: Series[Counts],
    *,
    limit_ms: float,
    window_s: float,
    now_s: float,
) -> Verdict:
    """FAIL when more than 5 % take longer than the limit, and stable's do not."""
    if limit_ms > EDGES_MS[-1]:
        why = f"{limit_ms:g} ms is beyond what is measured, {EDGES_MS[-1]:g} ms"
        return Verdict("ERROR", "latency", None, limit_ms, 0, why)
    ours = recent(candidate, window_s, now_s)
    verdict = _slow("latency", ours, limit_ms)
    if verdict.status != "FAIL":
        return verdict
    theirs = _slow("latency", stable.since(min(ours[0].start_s, now_s - window_s)), limit_ms)
    if theirs.status != "FAIL":
        return verdict
    why = f"{verdict.why}; so it is with stable: {theirs.why}"
    return dataclasses.replace(verdict, status="INCONCLUSIVE", why=why)


def ratio(
    stable: Series[Counts],
    candidate: Series[Counts],
    *,
    times: float,
    window_s: float,
    now_s: float,
) -> Verdict:
    """FAIL when the candidate's p95 is above so many times stable's in the same time."""
    ours = recent(candidate, window_s, now_s)
    if not ours:
        return Verdict("INCONCLUSIVE", "latency_ratio", None, None, 0, "no attempt was timed yet")
    theirs = _merged(stable.since(min(ours[0].start_s, now_s - window_s)))
    bound_ms = _upper_bound_ms(theirs)
    if bound_ms is None or math.isinf(bound_ms) or times * bound_ms > EDGES_MS[-1]:
        why = f"stable has {sum(theirs)} timed attempts in that time, too few to bound its p95"
        return Verdict("INCONCLUSIVE", "latency_ratio", None, None, sum(theirs), why)
    return _slow("latency_ratio", ours, times * bound_ms)


def recent(series: Series[Counts], window_s: float, now_s: float) -> tuple[Bucket[Counts], ...]:
    """The buckets of the window, or as many more as hold LAST timed attempts; oldest first."""
    found: list[Bucket[Counts]] = []
    timed = 0
    for bucket in series.newest_first():
        if timed >= LAST and bucket.start_s + bucket.width_s <= now_s - window_s:
            break
        found.append(bucket)
        timed += bucket.counts.timed
    return tuple(reversed(found))


def _slow(rule: Rule, buckets: tuple[Bucket[Counts], ...], limit_ms: float) -> Verdict:
    latencies = _merged(buckets)
    p95_ms, timed = quantile_ms(latencies, QUANTILE), sum(latencies)
    slow = slower_than(latencies, limit_ms)
    said = "none" if p95_ms is None else f"at most {p95_ms:.0f} ms"
    why = f"p95 {said}; {slow} of {timed} took longer than {limit_ms:.0f} ms"
    seen = (
        (b.start_s, b.counts.timed, slower_than(b.counts.latencies, limit_ms))
        for b in (buckets if slow else ())
    )
    verdict = late(seen, p0=1 - QUANTILE, rule=rule)
    status = verdict.status
    if status in {"PASS", "INCONCLUSIVE"}:
        status = "PASS" if timed >= LEAST else "INCONCLUSIVE"
    return Verdict(status, rule, p95_ms, limit_ms, timed, f"{why}; {verdict.why}")


def _merged(buckets: tuple[Bucket[Counts], ...]) -> tuple[int, ...]:
    if not buckets:
        return Counts().latencies
    return tuple(map(sum, zip(*(bucket.counts.latencies for bucket in buckets), strict=True)))


def _upper_bound_ms(latencies: tuple[int, ...]) -> float | None:
    """What the true p95 lies below with 99 % confidence; None: too few samples to say.

    The rank above which a binomial(n, 0.95) lies once in a hundred, by its normal approximation.
    """
    n = sum(latencies)
    rank = math.ceil(n * QUANTILE + 2.33 * math.sqrt(n * QUANTILE * (1 - QUANTILE)))
    if n < LEAST or rank > n:
        return None
    return quantile_ms(latencies, rank / n)
