"""Whose slowness it is: the candidate's alone, or of what both arms run on."""

import pytest

from ocr_rollout.core.counts import Counts
from ocr_rollout.core.evidence import Evidence
from ocr_rollout.core.judge import judge
from ocr_rollout.core.limits import Limits
from ocr_rollout.core.windows import Bucket, Series

T0 = 1_700_000_000
WELL_S = 50
OBJECTIVE = Limits(latency_p95_ms=200.0, latency_ratio=None)


def quick(n):
    return Counts.of("ok", 10.0, n)


def slow(n):
    return Counts.of("ok", 800.0, n)


def arm(*seconds, well=8):
    """A bucket a second: so many quick ones in each for WELL_S, then what is given."""
    counts = (*[quick(well) if well else Counts()] * WELL_S, *seconds)
    buckets = tuple(Bucket(T0 + k, 1, one) for k, one in enumerate(counts))
    return Series(sum(counts, Counts()), buckets)


def judged(stable, candidate, limits):
    seconds = max(len(stable.buckets), len(candidate.buckets))
    evidence = Evidence(stable=stable, candidate=candidate)
    return judge(limits or Limits(), evidence, weight_bp=5_000, now_s=T0 + seconds)


BOTH = pytest.mark.parametrize("limits", [None, OBJECTIVE], ids=["ratio", "objective"])


@BOTH
@pytest.mark.parametrize(
    "stable",
    [
        [],
        [Counts()] * 6,
        [quick(8) + slow(1), *[Counts()] * 5],
        [quick(8), *[slow(4)] * 5],
        [quick(8), slow(4), *[quick(2) + slow(4)] * 4],
    ],
    ids=["silent", "nothing timed", "first second", "slow too", "quick again"],
)
def test_what_slows_both_arms_is_nobodys_fault(limits, stable):
    """Stable's p95 of the minute hardly shows six seconds, and its answers come later."""
    candidate = arm(quick(3) + slow(3), *[slow(6)] * 5)
    assert judged(arm(*stable), candidate, limits).trip is None


@BOTH
def test_a_candidate_that_turns_slow_alone_is_taken_back(limits):
    """As soon as stable has answered quickly five times after that second."""
    candidate = arm(*[slow(6)] * 5)
    nobody = [Counts()] * 3
    assert judged(arm(quick(8), quick(4), *nobody), candidate, limits).trip is None
    found = judged(arm(quick(8), quick(4), *nobody[1:], quick(1)), candidate, limits)
    assert found.trip.rule in {"latency", "latency_ratio"}


def test_at_a_share_near_all_an_objective_still_holds():
    """Stable is asked by hardly anybody, and cannot say that it is well."""
    candidate = arm(*[slow(6)] * 5)
    found = judged(arm(quick(1), well=0), candidate, OBJECTIVE)
    assert found.trip.rule == "latency"


@BOTH
def test_where_stable_breaks_meanwhile_a_slow_candidate_freezes(limits):
    """Its connections are cut where the candidate's requests still get through, late."""
    broken = quick(6) + Counts.of("transport_error", 2.0, 6)
    found = judged(arm(*[broken] * 5), arm(*[slow(6)] * 5), limits)
    assert found.trip is None
    assert found.common_cause is not None


@BOTH
@pytest.mark.parametrize("well", [8, 0], ids=["used to be quick", "from the start"])
def test_a_stall_of_some_seconds_is_no_slowness(limits, well):
    """Sixteen slow ones of 13,000 took a candidate back whose process had no processor for a second."""
    quicker = arm(*[quick(8)] * 9)
    for seconds, tripped in ((1, False), (4, False), (9, True)):
        stalled = arm(*[slow(16)] * seconds, *[quick(1)] * (9 - seconds), well=well)
        assert (judged(quicker, stalled, limits).trip is not None) is tripped, seconds
