"""`quality`: empty and garbled answers, against stable at the same time.

Two ways, each as an e-process since the phase began (`early`) and as a CUSUM (`late`):

- **two arms**: of the faults of both arms, those of the candidate. If a request's arm is drawn
  with probability w and the candidate's fault rate is at most r times stable's, a fault is the
  candidate's with probability at most `p0 = r w / (r w + 1 - w)`. Blank images hit both alike.
- **pairs**: images that both arms read (shadow). Only those count that one arm read badly and the
  other did not; such a one is the candidate's with probability at most `p0 = r / (1 + r)`, which
  at r = 1 is McNemar's one half. An image needs no second of its kind, so pairs decide sooner.
"""

from __future__ import annotations

import dataclasses
from typing import Final

from .counts import Counts, Pairs
from .early import EVEN, LEAST, PRIOR, early
from .evidence import merged_faults
from .late import late
from .verdict import Rule, Verdict
from .windows import Series

# Of two arms at 10 % the prior that suits a share around 10..50 %, of pairs an even one.
_TWO_ARMS: Final = EVEN


def two_arms(
    stable: Series[Counts],
    candidate: Series[Counts],
    *,
    weight: float,
    ratio: float,
    alpha: float,
) -> Verdict:
    """The candidate's faults among those of both arms. weight: its share of the traffic, 0..1."""
    ours, theirs = candidate.total, stable.total
    answers = ours.answers + theirs.answers
    if min(ours.answers, theirs.answers) < 1:
        why = "one arm has no answer yet: nothing to compare"
        return Verdict("INCONCLUSIVE", "quality", None, None, answers, why)
    # What was really answered, where that is more: repeats and caps may shift the shares.
    w = max(min(weight, 0.999), ours.answers / answers)
    p0 = ratio * w / (ratio * w + 1 - w)
    faults = ((b.start_s, q, q) for b in candidate.buckets if (q := b.counts.quality_faults))
    others = ((b.start_s, q, 0) for b in stable.buckets if (q := b.counts.quality_faults))
    verdict = _both(
        "quality",
        ours.quality_faults + theirs.quality_faults,
        ours.quality_faults,
        merged_faults(tuple(faults), tuple(others)),
        p0=p0,
        alpha=alpha,
    )
    return _enough(verdict, min(ours.answers, theirs.answers))


def paired(pairs: Series[Pairs], *, ratio: float, alpha: float) -> Verdict:
    """The pairs that only the candidate read badly, of those that one arm alone did."""
    total = pairs.total
    verdict = _both(
        "quality_pairs",
        total.candidate_only + total.stable_only,
        total.candidate_only,
        tuple(
            (b.start_s, b.counts.candidate_only + b.counts.stable_only, b.counts.candidate_only)
            for b in pairs.buckets
        ),
        p0=ratio / (1 + ratio),
        alpha=alpha,
    )
    return _enough(verdict, total.pairs)


def absolute(*candidate: Series[Counts], limit: float, alpha: float) -> Verdict:
    """The candidate's share of empty and garbled answers against a limit, whatever stable does."""
    n = sum(series.total.answers for series in candidate)
    s = sum(series.total.quality_faults for series in candidate)
    verdict = early(n, s, p0=limit, alpha=alpha, prior=PRIOR, rule="quality")
    if verdict.status in {"FAIL", "ERROR"}:
        return verdict
    buckets = sorted(
        (b.start_s, b.counts.answers, b.counts.quality_faults)
        for series in candidate
        for b in series.buckets
    )
    drift = late(buckets, p0=limit, rule="quality")
    return drift if drift.status in {"FAIL", "ERROR"} else verdict


def _both(
    rule: Rule,
    n: int,
    s: int,
    buckets: tuple[tuple[int, int, int], ...],
    *,
    p0: float,
    alpha: float,
) -> Verdict:
    verdict = early(n, s, p0=p0, alpha=alpha, prior=_TWO_ARMS, rule=rule)
    if verdict.status in {"FAIL", "ERROR"}:
        return verdict
    drift = late(buckets, p0=p0, rule=rule)
    return drift if drift.status in {"FAIL", "ERROR"} else verdict


def _enough(verdict: Verdict, seen: int) -> Verdict:
    """What did not trip is a PASS after enough answers, not after enough faults."""
    if verdict.status in {"FAIL", "ERROR"}:
        return verdict
    return dataclasses.replace(verdict, status="PASS" if seen >= LEAST else "INCONCLUSIVE")
