"""All rules put together: counts of an epoch in, verdicts and at most one trip out.

| mode | trips |
|---|---|
| `confirmed` | `early`, `late`, a `share` whose lower bound is above the limit, `quality`, `latency`, a binding `review` |
| `literal` | `share` alone, as the sentence says |

Every rule is computed in either mode, so that people see them; the mode says which may trip.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Final

from . import latency, quality
from .advance import advance
from .common_cause import common_cause
from .early import early
from .evidence import Evidence
from .late import late
from .limits import Limits
from .review import review
from .routing import BUCKETS
from .share import share
from .verdict import Rule, Verdict

# What a server or a network can do to both arms; texts and reviews are the model's own.
BLAMELESS: Final[frozenset[Rule]] = frozenset(
    {"share", "early", "late", "latency", "latency_ratio"}
)


@dataclasses.dataclass(frozen=True, slots=True)
class Judgement:
    """verdicts: of every rule that could be asked.

    trip: the first rule that speaks against the candidate alone; None: nothing does.
    common_cause: the rule that tripped while stable failed too: freeze, blame nobody.
    advance: whether the candidate has proved itself. Says nothing about dwell and samples.
    """

    verdicts: tuple[Verdict, ...]
    trip: Verdict | None
    common_cause: Verdict | None
    advance: Verdict

    @property
    def may_advance(self) -> bool:
        """Proved good, nothing tripped, and every rule could measure."""
        return self.advance.status == "PASS" and not any(
            verdict.status in {"FAIL", "ERROR"} for verdict in self.verdicts
        )


def judge(limits: Limits, evidence: Evidence, *, weight_bp: int, now_s: float) -> Judgement:
    """Never raises: counts that make no sense are ERROR verdicts. At most 2 ms.

    weight_bp: the candidate's share during this epoch. now_s: Unix time, for the windows only.
    """
    attempts, buckets = evidence.attempts, evidence.errors()
    n, s = attempts.requests, attempts.errors
    newest = ((requests, errors) for _, requests, errors in reversed(buckets))
    literal = limits.mode == "literal"
    said = share(newest, p0=limits.errors, confirm=None if literal else (n, s), alpha=limits.alpha)
    proved = advance(n, s, p0=limits.errors)
    others = (
        early(n, s, p0=limits.errors, alpha=limits.alpha),
        late(buckets, p0=limits.errors),
        *_quality(limits, evidence, weight_bp),
        *_latency(limits, evidence, now_s),
    )
    checked = _review(limits, evidence)
    may_trip = (said,) if literal else (*others[:2], said, *others[2:])
    if not literal and limits.review is not None and limits.review.binding:
        may_trip += checked
    trip = next((verdict for verdict in may_trip if verdict.status == "FAIL"), None)
    verdicts = (said, *others, *checked, proved)
    if trip is None:
        return Judgement(verdicts, None, None, proved)
    cause = common_cause(evidence, p0=limits.errors, now_s=now_s)
    if cause.status == "FAIL" and trip.rule in BLAMELESS:
        return Judgement((*verdicts, cause), None, cause, proved)
    return Judgement((*verdicts, cause), trip, None, proved)


def _review(limits: Limits, evidence: Evidence) -> tuple[Verdict, ...]:
    if limits.review is None:
        return ()
    pairs = evidence.pairs.total
    return (review(limits.review, evidence.reviews, pairs, alpha=limits.alpha),)


def _quality(limits: Limits, evidence: Evidence, weight_bp: int) -> tuple[Verdict, ...]:
    """Two arms and pairs share what may go wrong by chance."""
    alpha, ratio = limits.alpha / 2, limits.quality_ratio
    compared = quality.two_arms(
        evidence.stable,
        evidence.candidate,
        weight=weight_bp / BUCKETS,
        ratio=ratio,
        alpha=alpha,
    )
    found = [compared, quality.paired(evidence.pairs, ratio=ratio, alpha=alpha)]
    if limits.quality_share is not None:
        found.append(
            quality.absolute(
                evidence.candidate, evidence.shadow, limit=limits.quality_share, alpha=limits.alpha
            )
        )
    return tuple(found)


def _latency(limits: Limits, evidence: Evidence, now_s: float) -> tuple[Verdict, ...]:
    """What users wait for: shadow attempts yield to them, and are left out."""
    if not math.isfinite(now_s):
        return (Verdict("ERROR", "latency", None, None, 0, f"{now_s} is no time"),)
    if limits.latency_p95_ms is None and limits.latency_ratio is None:
        return ()
    window_s, found = limits.latency_window_s, []
    ours = latency.recent(evidence.candidate, window_s, now_s)
    if limits.latency_p95_ms is not None:
        found.append(
            latency.objective(
                evidence.stable,
                ours,
                limit_ms=limits.latency_p95_ms,
                window_s=window_s,
                now_s=now_s,
            )
        )
    if limits.latency_ratio is not None:
        found.append(
            latency.ratio(
                evidence.stable, ours, times=limits.latency_ratio, window_s=window_s, now_s=now_s
            )
        )
    return tuple(found)
