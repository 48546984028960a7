"""Counts of an epoch as figures for people: one record for each arm, one for the pairs. Pure."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any, Final

from ocr_rollout.core.counts import EDGES_MS, Counts, Pairs, quantile_ms
from ocr_rollout.core.outcomes import ERRORS, NEVER, OUTCOMES
from ocr_rollout.core.windows import Series

LATELY_S: Final = 60.0
# A latency is counted in a bin 9 % wide; its middle stands for it in a mean. What is beyond the
# last edge (65.5 s) counts as that edge, so such a mean is too low.
_MIDDLES_MS: Final = (
    EDGES_MS[0] / 2,
    *((low + high) / 2 for low, high in itertools.pairwise(EDGES_MS)),
    EDGES_MS[-1],
)


@dataclasses.dataclass(frozen=True)
class ArmFigures:
    """One series of an epoch.

    role: `stable`, `candidate` or `shadow` (the candidate off the response path).
    requests: those that count. outcomes: each kind that occurred, also those that never count.
    empty, garbled: answers. faults: both, their share is of the answers.
    lately: requests and errors of the last minute.
    mean_ms: from bins, exact to a few per cent. p50_ms, ...: upper edges of bins, at most 9.1 %
    above; all None without a timed attempt.
    """

    role: str
    arm: str
    requests: int
    errors: int
    answers: int
    empty: int
    garbled: int
    outcomes: dict[str, int]
    lately_requests: int
    lately_errors: int
    mean_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None

    def to_dict(self) -> dict[str, Any]:
        return {
            **dataclasses.asdict(self),
            "error_share": _share(self.errors, self.requests),
            "empty_share": _share(self.empty, self.answers),
            "garbled_share": _share(self.garbled, self.answers),
            "error_classes": {name: n for name, n in self.outcomes.items() if name in ERRORS},
            "not_counted": {name: n for name, n in self.outcomes.items() if name in NEVER},
        }


@dataclasses.dataclass(frozen=True)
class Agreement:
    """Images that both arms read. bad: an error, empty or garbled.

    equal_share: same text, of the pairs that both read well. mean_distance: normalised edit
    distance of those, 0 the same and 1 nothing alike. None without any.
    """

    pairs: int
    both_fine: int
    candidate_only_bad: int
    stable_only_bad: int
    both_bad: int
    equal: int
    equal_share: float | None
    mean_distance: float | None

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def arm_figures(role: str, arm: str, series: Series[Counts], now_s: float) -> ArmFigures:
    """now_s: Unix time, for `lately` only."""
    total = series.total
    lately = sum((bucket.counts for bucket in series.since(now_s - LATELY_S)), Counts())
    return ArmFigures(
        role=role,
        arm=arm,
        requests=total.requests,
        errors=total.errors,
        answers=total.answers,
        empty=total.count("empty"),
        garbled=total.count("garbled"),
        outcomes={name: n for name in OUTCOMES if (n := total.count(name))},
        lately_requests=lately.requests,
        lately_errors=lately.errors,
        mean_ms=mean_ms(total.latencies),
        p50_ms=_finite(quantile_ms(total.latencies, 0.50)),
        p95_ms=_finite(quantile_ms(total.latencies, 0.95)),
        p99_ms=_finite(quantile_ms(total.latencies, 0.99)),
    )


def agreement(total: Pairs) -> Agreement:
    fine = total.both_fine
    return Agreement(
        pairs=total.pairs,
        both_fine=fine,
        candidate_only_bad=total.candidate_only,
        stable_only_bad=total.stable_only,
        both_bad=total.both_bad,
        equal=total.equal,
        equal_share=_share(total.equal, fine),
        mean_distance=total.distance_milli / 1_000 / fine if fine else None,
    )


def mean_ms(latencies: tuple[int, ...]) -> float | None:
    """latencies: by bin, as `Counts` has them."""
    total = sum(latencies)
    if not total:
        return None
    return sum(n * middle for n, middle in zip(latencies, _MIDDLES_MS, strict=True)) / total


def _share(of: int, all_of: int) -> float | None:
    return of / all_of if all_of else None


def _finite(value_ms: float | None) -> float | None:
    """Beyond the last bin only its lower edge is known; JSON has no infinity."""
    return None if value_ms is None else min(value_ms, EDGES_MS[-1])
