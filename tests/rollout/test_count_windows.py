"""Counts add up whoever made them, take the same memory, and forget; and a quantile keeps its word."""

import sys
import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_rollout.core import outcomes, windows
from ocr_rollout.core.counts import (
    EDGES_MS,
    LATENCY_BINS,
    Counts,
    Pairs,
    RecordError,
    Tally,
    latency_bin,
    quantile_ms,
    slower_than,
)
from ocr_rollout.core.windows import KEEP, WIDTHS_S, Series

times = st.integers(0, 3_000_000)
EMPTY = Series(Counts())
ONE = Counts.of("ok", 10.0)


def series_of(seconds):
    found = EMPTY
    for second in seconds:
        found = found.added(second, ONE)
    return found


def test_every_outcome_speaks_against_the_arm_in_one_way_only():
    """Errors, quality faults and what never counts do not overlap."""
    kinds = {name: outcomes.counts_against(name) for name in outcomes.OUTCOMES}
    assert kinds == {
        "ok": "nothing",
        "empty": "quality",
        "garbled": "quality",
        "invalid_response": "error",
        "server_error": "error",
        "timeout": "error",
        "transport_error": "error",
        "draining": "never",
        "client_fault": "never",
    }


def test_client_faults_and_draining_are_no_requests():
    """They are seen, and are in no denominator."""
    counts = Counts.of("client_fault") + Counts.of("draining") + Counts.of("timeout", 5_000.0)
    assert (counts.requests, counts.errors, counts.answers) == (1, 1, 0)
    assert counts.count("client_fault") == 1
    assert counts.timed == 1


@given(st.lists(times, max_size=60), st.lists(times, max_size=60), st.lists(times, max_size=60))
def test_series_add_up_in_any_order_and_grouping(first, second, third):
    """Two processes and a third give the same whichever is added first."""
    a, b, c = map(series_of, (first, second, third))
    together = a.merged(b).merged(c)
    assert together == a.merged(b.merged(c)) == c.merged(a).merged(b)
    assert together.total.requests == len(first) + len(second) + len(third)


@given(st.lists(times, min_size=1, max_size=200))
def test_buckets_never_overlap_and_hold_every_second_of_the_last_six_days(seconds):
    """Whatever the order of arrival."""
    found = series_of(seconds)
    ends = [bucket.start_s + bucket.width_s for bucket in found.buckets]
    starts = [bucket.start_s for bucket in found.buckets]
    assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))
    recent = [second for second in seconds if second > max(seconds) - 6 * 86_400]
    assert sum(bucket.counts.requests for bucket in found.buckets) >= len(recent)


@given(st.lists(times, min_size=1, max_size=60), st.integers(0, 10_000))
def test_a_store_that_writes_every_width_reads_back_the_same_series(seconds, later):
    """`places`, `wanted` and `Series` agree on what stands for a time."""
    now = max(seconds) + later
    rows = {}
    for second in seconds:
        for place in windows.places(second):
            rows[place] = rows.get(place, Counts()) + ONE
    read = {
        (start, width): counts
        for (start, width), counts in rows.items()
        if windows.wanted(start, width, now)
    }
    expected = series_of(seconds).seen_from(now)
    assert {(b.start_s, b.width_s): b.counts for b in expected.buckets} == read
    for start, width in read:
        assert now < start + windows.expires_s(width)


def test_memory_is_constant_over_10_million_outcomes():
    """The number of buckets has a bound, and a bucket one size."""
    found, largest = EMPTY, 0
    second_of_traffic = Counts.of("ok", 12.0, times=5_000)
    for second in range(1_700_000_000, 1_700_002_000):
        found = found.added(second, second_of_traffic)
        largest = max(largest, len(found.buckets))
    assert found.total.requests == 10_000_000
    assert largest <= len(WIDTHS_S) * (KEEP + 12)
    sizes = {sys.getsizeof(bucket.counts.latencies) for bucket in found.buckets}
    assert len(sizes) == 1


def test_what_is_older_than_a_week_is_forgotten_but_for_the_total():
    """Windows forget; an epoch's total does not."""
    found = series_of([0]).seen_from(8 * 86_400)
    assert found.buckets == ()
    assert found.total == ONE


def test_a_clock_that_jumps_a_day_or_back_loses_nothing():
    """Buckets of the future stay; what comes later is added where it belongs."""
    found = series_of([1_000_000, 1_000_001, 1_086_400, 1_000_002])
    assert sum(bucket.counts.requests for bucket in found.buckets) == 4
    assert found.seen_from(1_000_003).total.requests == 4


@given(st.lists(st.floats(0.01, 1e5), min_size=1, max_size=300), st.floats(0.01, 1))
def test_a_quantile_is_at_most_10_per_cent_above_the_true_one(latencies, q):
    """The error that the bins promise, from 1 ms to 65 s."""
    tally = Tally()
    for latency in latencies:
        tally.record("ok", latency)
    said = quantile_ms(tally.take().latencies, q)
    ordered = sorted(latencies)
    true = ordered[max(1, -int(-q * len(ordered) // 1)) - 1]
    if 1 <= true <= EDGES_MS[-1]:
        assert true <= said <= true * 2**0.125 * (1 + 1e-9)
    elif true < 1:
        assert said == 1
    else:
        assert said == float("inf")


@given(st.lists(st.floats(0, 1e5), max_size=100), st.floats(0.5, 7e4))
def test_only_what_is_surely_slower_is_called_slower(latencies, limit):
    """The bin that the limit lies in is given the benefit of the doubt."""
    tally = Tally()
    for latency in latencies:
        tally.record("ok", latency)
    assert slower_than(tally.take().latencies, limit) <= sum(x > limit for x in latencies)


def test_odd_latencies_have_a_bin():
    """Below 0, not a number, without end: never an error on the path of a request."""
    assert latency_bin(-5.0) == 0
    assert latency_bin(float("nan")) == latency_bin(float("inf")) == LATENCY_BINS - 1
    assert quantile_ms(Counts().latencies, 0.95) is None


def test_records_come_back_equal_and_hold_no_zeros():
    """The flat form that stores add field by field."""
    counts = Counts.of("ok", 10.0, 7) + Counts.of("timeout", 1e6) + Counts.of("draining")
    assert counts.to_record() == {"ok": 7, "timeout": 1, "draining": 1, "ms:27": 7, "ms:129": 1}
    assert Counts.from_record(counts.to_record()) == counts
    pairs = Pairs(both_fine=3, candidate_only=1, equal=2, distance_milli=120)
    assert Pairs.from_record(pairs.to_record()) == pairs
    assert pairs + Pairs() == pairs


@pytest.mark.parametrize(
    ("kind", "record"),
    [
        (Counts, {"fine": 1}),
        (Counts, {"ok": -1}),
        (Counts, {"ok": True}),
        (Counts, {"ok": 1.5}),
        (Counts, {"ms:130": 1}),
        (Counts, {"ms:-1": 1}),
        (Pairs, {"ok": 1}),
        (Pairs, {"equal": "1"}),
    ],
)
def test_a_record_of_another_version_is_refused(kind, record):
    """Nothing is guessed: the field is named."""
    with pytest.raises(RecordError, match=next(iter(record))):
        kind.from_record(record)


def test_recording_an_outcome_takes_less_than_5_microseconds():
    """The issue's figure, best of five."""
    tally = Tally()
    seconds = min(timeit.repeat(lambda: tally.record("ok", 12.3), number=20_000, repeat=5))
    assert seconds / 20_000 < 5e-6
