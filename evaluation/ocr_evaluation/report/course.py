"""Columns over time, for curves: evidence as the judge weighed it, and shares of enough requests."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ocr_rollout.core.advance import GOOD
from ocr_rollout.core.early import log_e, log_e_below
from ocr_rollout.core.evidence import Evidence
from ocr_rollout.core.limits import Limits
from ocr_rollout.core.verdict import NO_LIMIT

_LEAST: Final = -700.0  # natural logarithm; what is below is beyond a double
ENOUGH: Final = 20  # requests behind a point of a curve: of fewer, one error is a mountain


@dataclasses.dataclass(frozen=True)
class Weighed:
    """The evidence of this epoch at its beginning and after each time bucket.

    at_s: Unix time. requests: of the candidate by then. against: `early`, natural logarithm;
    proof: `advance`, the same.
    """

    at_s: tuple[float, ...]
    requests: tuple[int, ...]
    against: tuple[float, ...]
    proof: tuple[float, ...]

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def weighed(evidence: Evidence, limits: Limits) -> Weighed:
    """Empty where no number of errors is too many. What is older than the buckets counts first."""
    if limits.errors >= NO_LIMIT:
        return Weighed((), (), (), ())
    buckets, total = evidence.errors(), evidence.attempts
    n = max(0, total.requests - sum(requests for _, requests, _ in buckets))
    s = max(0, total.errors - sum(errors for _, _, errors in buckets))
    if not buckets:
        return Weighed((), (), (), ())
    ends = {
        bucket.start_s: bucket.start_s + bucket.width_s
        for series in (evidence.candidate, evidence.shadow)
        for bucket in series.buckets
    }
    counted = [(float(buckets[0][0]), n, s)]
    for start_s, requests, errors in buckets:
        n, s = n + requests, s + errors
        counted.append((float(ends[start_s]), n, s))
    p0 = limits.errors
    return Weighed(
        tuple(at_s for at_s, _, _ in counted),
        tuple(n for _, n, _ in counted),
        tuple(max(_LEAST, log_e(n, s, p0)) for _, n, s in counted),
        tuple(max(_LEAST, log_e_below(n, s, p0, GOOD)) for _, n, s in counted),
    )


@dataclasses.dataclass(frozen=True)
class Point:
    """A share of n, over a stretch of time whose middle is at_s."""

    at_s: float
    share: float
    n: int


def shares(
    columns: Mapping[str, Sequence[float | None]], of: str, all_of: str, least: int = ENOUGH
) -> tuple[Point, ...]:
    """Neighbouring buckets together until they hold enough; too few at the end go with the last.

    columns: of an arm or of the pairs, as `operations.curves` has them.
    """
    found: list[tuple[float, float, float, float]] = []  # begin, end, of, all_of
    open_ = (math.inf, 0.0, 0.0, 0.0)
    rows = zip(*(columns[name] for name in ("start_s", "width_s", of, all_of)), strict=True)
    for start_s, width_s, part, whole in rows:
        if start_s is None or width_s is None or not whole:
            continue
        open_ = (
            min(open_[0], start_s),
            start_s + width_s,
            open_[2] + (part or 0),
            open_[3] + whole,
        )
        if open_[3] >= least:
            found.append(open_)
            open_ = (math.inf, 0.0, 0.0, 0.0)
    if open_[3]:
        last = found.pop() if found else (math.inf, 0.0, 0.0, 0.0)
        found.append((min(last[0], open_[0]), open_[1], last[2] + open_[2], last[3] + open_[3]))
    return tuple(
        Point((begin + end) / 2, part / whole, round(whole)) for begin, end, part, whole in found
    )
