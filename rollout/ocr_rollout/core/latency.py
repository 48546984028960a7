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
from collections.abc import Iterable, Iterator
from typing import Final

from .counts import EDGES_MS, Counts, quantile_ms, slower_than
from .late import H, cusum, late
from .verdict import Rule, Verdict
from .windows import Bucket, Series

QUANTILE: Final = 0.95
LEAST: Final = 100  # timed attempts of either arm
LAST: Final = 200  # with little traffic as many are looked at, however old
STALLS: Final = 5  # seconds; a process without a processor is slow for one or two
WELL: Final = 5  # quick answers of stable that say it is well
SLOW_TOO: Final = math.log(20)  # of stable's CUSUM: the question is no longer whether, but whose


@dataclasses.dataclass(frozen=True, slots=True)
class Stretch:
    """buckets: oldest first. latencies: of all of them, by bin; added up once for both limits."""

    buckets: tuple[Bucket[Counts], ...]
    latencies: tuple[int, ...]

    @classmethod
    def of(cls, buckets: tuple[Bucket[Counts], ...]) -> Stretch:
        if not buckets:
            return cls((), Counts().latencies)
        columns = zip(*(bucket.counts.latencies for bucket in buckets), strict=True)
        return cls(buckets, tuple(map(sum, columns)))


def objective(
    stable: Series[Counts],
    ours: Stretch,
    *,
    limit_ms: float,
    window_s: float,
    now_s: float,
) -> Verdict:
    """FAIL when more than 5 % take longer than the limit, and stable's do not.

    ours: what is `recent` of the candidate.
    """
    if limit_ms > EDGES_MS[-1]:
        why = f"{limit_ms:g} ms is beyond what is measured, {EDGES_MS[-1]:g} ms"
        return Verdict("ERROR", "latency", None, limit_ms, 0, why)
    verdict = _slow("latency", ours, limit_ms)
    if verdict.status != "FAIL":
        return verdict
    same_time = _same_time(stable, ours, window_s, now_s)
    theirs = _slow("latency", same_time, limit_ms)
    if theirs.status == "FAIL":
        why = f"{verdict.why}; so it is with stable: {theirs.why}"
        return dataclasses.replace(verdict, status="INCONCLUSIVE", why=why)
    asked = sum(same_time.latencies) >= LEAST  # at a share near 100 % hardly anybody asks stable
    return _unless_both(verdict, stable, ours, limit_ms, least=WELL if asked else 0)


def ratio(
    stable: Series[Counts],
    ours: Stretch,
    *,
    times: float,
    window_s: float,
    now_s: float,
) -> Verdict:
    """FAIL when the candidate's p95 is above so many times stable's in the same time.

    ours: what is `recent` of the candidate.
    """
    if not ours.buckets:
        return Verdict("INCONCLUSIVE", "latency_ratio", None, None, 0, "no attempt was timed yet")
    theirs = _same_time(stable, ours, window_s, now_s).latencies
    bound_ms = _upper_bound_ms(theirs)
    if bound_ms is None or math.isinf(bound_ms) or times * bound_ms > EDGES_MS[-1]:
        why = f"stable has {sum(theirs)} timed attempts in that time, too few to bound its p95"
        return Verdict("INCONCLUSIVE", "latency_ratio", None, None, sum(theirs), why)
    verdict = _slow("latency_ratio", ours, times * bound_ms)
    if verdict.status != "FAIL":
        return verdict
    return _unless_both(verdict, stable, ours, times * bound_ms, least=WELL)


def _unless_both(
    verdict: Verdict, stable: Series[Counts], ours: Stretch, limit_ms: float, *, least: int
) -> Verdict:
    """INCONCLUSIVE instead of FAIL while nothing says that stable is quick where ours is slow.

    Stable's p95 is of the whole window; what has just begun to hang hardly shows in it. And a hang is
    known of the candidate first, for its deadline is the shorter one. So stable has to have given
    `least` quick answers after the first second of the stretch that speaks against the candidate,
    for in that second both may have been well, and must not be slow in that stretch itself.
    """
    start_s = cusum(_seen(ours.buckets, limit_ms), 1 - QUANTILE, H / STALLS).start_s
    if start_s is None:
        return verdict
    buckets = stable.since(start_s)
    seen = tuple(_seen(buckets, limit_ms))
    found = cusum(seen, 1 - QUANTILE)
    quick = sum(timed - slow for at_s, timed, slow in seen if at_s > start_s)
    if found.g >= SLOW_TOO:
        said = f"so it is with stable: {found.s} of {found.n}"
    elif quick < least:
        said = (
            f"stable has given {quick} quick answers since then, {least} would say that it is well"
        )
    else:
        return verdict
    return dataclasses.replace(verdict, status="INCONCLUSIVE", why=f"{verdict.why}; {said}")


def recent(series: Series[Counts], window_s: float, now_s: float) -> Stretch:
    """The buckets of the window, or as many more as hold LAST timed attempts; oldest first."""
    found: list[Bucket[Counts]] = []
    timed = 0
    for bucket in series.newest_first():
        if timed >= LAST and bucket.start_s + bucket.width_s <= now_s - window_s:
            break
        found.append(bucket)
        timed += bucket.counts.timed
    return Stretch.of(tuple(reversed(found)))


def _same_time(stable: Series[Counts], ours: Stretch, window_s: float, now_s: float) -> Stretch:
    return Stretch.of(stable.since(min(ours.buckets[0].start_s, now_s - window_s)))


def _slow(rule: Rule, stretch: Stretch, limit_ms: float) -> Verdict:
    latencies = stretch.latencies
    p95_ms, timed = quantile_ms(latencies, QUANTILE), sum(latencies)
    slow = slower_than(latencies, limit_ms)
    said = "none" if p95_ms is None else f"at most {p95_ms:.0f} ms"
    if p95_ms == math.inf:  # which no store and no JSON can say
        p95_ms = EDGES_MS[-1]
        said = f"above {p95_ms:.0f} ms"
    why = f"p95 {said}; {slow} of {timed} took longer than {limit_ms:.0f} ms"
    seen = _seen(stretch.buckets if slow else (), limit_ms)
    verdict = late(seen, p0=1 - QUANTILE, rule=rule, stalls=STALLS)
    status = verdict.status
    if status in {"PASS", "INCONCLUSIVE"}:
        status = "PASS" if timed >= LEAST else "INCONCLUSIVE"
    return Verdict(status, rule, p95_ms, limit_ms, timed, f"{why}; {verdict.why}")


def _seen(buckets: Iterable[Bucket[Counts]], limit_ms: float) -> Iterator[tuple[int, int, int]]:
    """(start in seconds, timed attempts, slower ones) of each bucket."""
    return ((b.start_s, b.counts.timed, slower_than(b.counts.latencies, limit_ms)) for b in buckets)


def _upper_bound_ms(latencies: tuple[int, ...]) -> float | None:
    """What the true p95 lies below with 99 % confidence; None: too few samples to say.

    The rank above which a binomial(n, 0.95) lies once in a hundred, by its normal approximation.
    """
    n = sum(latencies)
    rank = math.ceil(n * QUANTILE + 2.33 * math.sqrt(n * QUANTILE * (1 - QUANTILE)))
    if n < LEAST or rank > n:
        return None
    return quantile_ms(latencies, rank / n)
