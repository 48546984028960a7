"""Sums over many processes: any order, any partition, each batch and each bucket key once."""

from __future__ import annotations

import math
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocr_rollout.core.counts import Counts, Pairs
from ocr_rollout.core.outcomes import OUTCOMES
from ocr_rollout.core.windows import CANDIDATE, PAIRS, STABLE, Series
from ocr_rollout.stores import (
    CountBatch,
    CountDelta,
    DocumentError,
    KeyedDelta,
    Span,
    Store,
    StoreUnavailableError,
    new_id,
)
from ocr_rollout.stores.series import LATE_S, WHOLE_S, EpochReader, deltas, read_epoch

PER_STORE = settings(
    max_examples=20,
    deadline=None,
    # Examples take names of their own; and how long a busy machine draws says nothing.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def one(counts: dict[str, int], *, series: str = "s", start: int = 0, expires: int = 100):
    return CountDelta(series, start, counts, expires)


def total(store: Store, series: str = "s") -> dict[str, int]:
    summed: dict[str, int] = {}
    for row in store.counts(Span(series, -math.inf, math.inf)):
        for name, value in row.counts.items():
            summed[name] = summed.get(name, 0) + value
    return summed


@PER_STORE
@given(
    batches=st.lists(
        st.lists(
            st.tuples(
                st.integers(0, 3),
                st.dictionaries(
                    st.sampled_from(["ok", "ms:3", "empty"]), st.integers(0, 2**40 - 1)
                ),
            ),
            max_size=4,
        ),
        max_size=5,
    ),
    order=st.randoms(use_true_random=False),
)
def test_sums_do_not_depend_on_who_added_what_when(store: Store, batches, order):
    """However the deltas are split into batches, and in whatever order these come."""
    name = new_id()
    expected: dict[tuple[int, str], int] = {}
    for batch in batches:
        for start, counts in batch:
            for field, value in counts.items():
                expected[start, field] = expected.get((start, field), 0) + value
    order.shuffle(batches)
    for batch in batches:
        found = [one(counts, series=name, start=start) for start, counts in batch]
        store.add(CountBatch(new_id(), 1, 0, found))
    rows = store.counts(Span(name, 0, 10))
    got = {(row.start_s, field): n for row in rows for field, n in row.counts.items()}
    assert got == expected
    assert [row.start_s for row in rows] == sorted({row.start_s for row in rows})


def test_a_repeated_batch_is_not_added_again(store: Store):
    """Who lost the answer may ask again; a late one of an earlier number is a repetition too."""
    batch = CountBatch("me", 2, 0, [one({"ok": 5})])
    assert store.add(batch).applied
    assert not store.add(batch).applied
    assert not store.add(CountBatch("me", 1, 0, [one({"ok": 5})])).applied
    assert store.add(CountBatch("me", 3, 0, [one({"ok": 1})])).applied
    assert store.add(CountBatch("you", 1, 0, [one({"ok": 1})])).applied
    assert total(store) == {"ok": 7}


def test_a_span_is_half_open_and_spans_come_in_order(store: Store):
    """At or after its start, before its end; several series in one reading."""
    store.add(
        CountBatch(
            "me",
            1,
            0,
            [one({"n": k}, start=k) for k in range(1, 6)] + [one({"n": 9}, series="t", start=2)],
        )
    )
    rows = store.counts(Span("t", 0, 10), Span("s", 2, 4), Span("none", 0, 10))
    assert [(row.series, row.start_s, row.counts["n"]) for row in rows] == [
        ("t", 2, 9),
        ("s", 2, 2),
        ("s", 3, 3),
    ]


def test_a_bucket_key_counts_once_a_window(store: Store):
    """Over processes; another window or another scope counts it again."""

    def keyed(bucket: int, *, scope: str = "c", window: int = 0) -> KeyedDelta:
        return KeyedDelta(scope, window, 100, bucket, [one({"n": 1}), one({"n": 1}, start=10)])

    first = store.add(CountBatch("a", 1, 0, keyed=[keyed(0), keyed(9_999), keyed(0)]))
    assert (first.applied, first.repeats) == (True, 1)
    assert store.add(CountBatch("b", 1, 0, keyed=[keyed(9_999), keyed(9_998)])).repeats == 1
    assert store.add(CountBatch("b", 2, 0, keyed=[keyed(0, window=60)])).repeats == 0
    assert store.add(CountBatch("b", 3, 0, keyed=[keyed(0, scope="d")])).repeats == 0
    assert total(store) == {"n": 10}


@PER_STORE
@given(buckets=st.lists(st.lists(st.integers(0, 9_999), max_size=30), max_size=4))
def test_the_bitmap_is_a_set(store: Store, buckets):
    """All buckets, in any grouping."""
    name = new_id()
    repeats = 0
    for some in buckets:
        keyed = [KeyedDelta(name, 0, 100, b, [one({"n": 1}, series=name)]) for b in some]
        repeats += store.add(CountBatch(new_id(), 1, 0, keyed=keyed)).repeats
    every = [bucket for some in buckets for bucket in some]
    assert total(store, name).get("n", 0) == len(set(every))
    assert repeats == len(every) - len(set(every))


def test_what_expired_is_pruned_and_nothing_else(store: Store):
    """Time buckets, windows and batch numbers, at the time that the caller names."""
    keyed = KeyedDelta("c", 0, 150, 7, [one({"n": 1}, series="k", expires=300)])
    store.add(
        CountBatch("me", 1, 50, [one({"n": 1}), one({"n": 1}, start=1, expires=200)], [keyed])
    )
    assert store.prune(99) == 0
    assert store.prune(100) == 1
    assert total(store) == {"n": 1}
    assert store.prune(160) == 1, "the window is forgotten"
    assert store.add(CountBatch("me", 2, 50, keyed=[keyed])).repeats == 0
    assert store.prune(1e9) == 4, "two time buckets, the window, the batch's number"
    assert (total(store), total(store, "k")) == ({}, {})


def test_a_later_addition_keeps_a_time_bucket_longer(store: Store):
    """A total lives as long as anything is added to it."""
    store.add(CountBatch("me", 1, 0, [one({"n": 1}, expires=100)]))
    store.add(CountBatch("me", 2, 0, [one({"n": 1}, expires=300)]))
    store.add(CountBatch("me", 3, 0, [one({"n": 1}, expires=200)]))
    store.prune(299)
    assert total(store) == {"n": 3}


@pytest.mark.parametrize(
    "delta",
    [
        one({"ok": -1}),
        one({"ok": 1.5}),
        one({"ok": True}),
        one({"ok": 2**40}),
        one({"o k": 1}),
        one({"ok": 1}, series="ein Name"),
        one({"ok": 1}, start=-1),
        one({"ok": 1}, start=1.5),
    ],
)
def test_a_batch_out_of_range_is_refused_whole(store: Store, delta):
    """Nothing of it is added, not even its number."""
    with pytest.raises(DocumentError):
        store.add(CountBatch("me", 1, 0, [one({"ok": 1}), delta]))
    assert total(store) == {}
    assert store.add(CountBatch("me", 1, 0)).applied


@pytest.mark.parametrize("bucket", [-1, 10_000, 1.0, True])
def test_a_bucket_out_of_range_is_refused(store: Store, bucket):
    """It would lie outside the bitmap."""
    with pytest.raises(DocumentError):
        store.add(CountBatch("me", 1, 0, keyed=[KeyedDelta("c", 0, 9, bucket, [one({"ok": 1})])]))


def test_eight_threads_add_up(store: Store):
    """No addition is lost under contention."""

    def flush(source: str) -> None:
        for sequence in range(1, 11):
            keyed = [KeyedDelta("c", 0, 9, sequence, [one({"keys": 1})])]
            store.add(CountBatch(source, sequence, 0, [one({"n": 1})], keyed))

    threads = [threading.Thread(target=flush, args=(f"t{k}",)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert total(store) == {"n": 80, "keys": 10}


@PER_STORE
@given(
    seconds=st.lists(
        st.tuples(
            st.sampled_from([1, 40, 59, 60, 61, 599, 601, 6_000, 59_000, 600_000]),
            st.sampled_from(OUTCOMES),
            st.floats(0, 1e5),
        ),
        max_size=8,
    )
)
def test_a_series_comes_back_as_if_one_process_had_counted_it(store: Store, seconds):
    """`core.windows` merged by many processes through the store, and in memory, are equal."""
    epoch = int(new_id()[:8], 16)
    now_s = 1_790_000_000.5
    expected: Series[Counts] = Series(Counts())
    for ago_s, outcome, latency_ms in seconds:
        counts = Counts.of(outcome, latency_ms)
        expected = expected.added(now_s - ago_s, counts)
        found = deltas(epoch, CANDIDATE, now_s - ago_s, counts)
        store.add(CountBatch(new_id(), 1, now_s, found))
    read = read_epoch(store, epoch, now_s)
    assert read.candidate.total == expected.total
    assert read.candidate == expected.seen_from(now_s)
    assert read.stable == Series(Counts())


@PER_STORE
@given(
    steps=st.lists(st.tuples(st.floats(0.5, 30), st.floats(0, LATE_S - 1)), min_size=1, max_size=12)
)
def test_a_reader_that_goes_on_sees_what_a_new_one_sees(store: Store, steps):
    """Whenever it reads, as long as processes flush in time."""
    epoch = int(new_id()[:8], 16)
    reader = EpochReader(store, epoch)
    now_s = 1_790_000_000.0
    for pause_s, age_s in steps:
        now_s += pause_s
        found = deltas(epoch, STABLE, now_s - age_s, Counts.of("ok", 5.0))
        store.add(CountBatch(new_id(), 1, now_s, found))
        assert reader.read(now_s) == read_epoch(store, epoch, now_s)


def test_counts_of_a_process_that_was_cut_off_are_seen_after_a_minute(store: Store):
    """In the total at once; and a clock that goes back makes the reader begin anew."""
    reader = EpochReader(store, 1)
    reader.read(10_000.0)
    late = deltas(1, STABLE, 9_000.0, Counts.of("ok", 5.0))
    store.add(CountBatch("late", 1, 10_000, late))
    soon = reader.read(10_000.0 + WHOLE_S - 1)
    assert (soon.stable.total.requests, soon.stable.buckets) == (1, ())
    assert reader.read(10_000.0 + WHOLE_S) == read_epoch(store, 1, 10_000.0 + WHOLE_S)
    assert reader.read(9_500.0) == read_epoch(store, 1, 9_500.0)


def test_a_reader_goes_on_after_an_error(store: Store):
    """What it could not read then, it reads next time."""

    class Fails:
        down = False

        def add(self, batch):
            return store.add(batch)

        def counts(self, *spans):
            if self.down:
                raise StoreUnavailableError("the store", "away")
            return store.counts(*spans)

    front = Fails()
    reader = EpochReader(front, 1)
    reader.read(1_000.0)
    front.add(CountBatch("a", 1, 0, deltas(1, STABLE, 1_001.0, Counts.of("ok", 5.0))))
    front.down = True
    with pytest.raises(StoreUnavailableError):
        reader.read(1_002.0)
    front.down = False
    assert reader.read(1_040.0) == read_epoch(store, 1, 1_040.0)


def test_epochs_and_series_stay_apart(store: Store):
    """What was counted under another weight never reaches the judge of this one."""
    found = (
        *deltas(1, STABLE, 1000, Counts.of("ok", 3.0)),
        *deltas(2, STABLE, 1000, Counts.of("timeout", 9.0, times=2)),
        *deltas(2, PAIRS, 1000, Pairs(both_fine=3, equal=2, distance_milli=40)),
    )
    store.add(CountBatch("me", 1, 1000, found))
    read = read_epoch(store, 2, 1001)
    assert read.stable.total == Counts.of("timeout", 9.0, times=2)
    assert read.pairs.total == Pairs(both_fine=3, equal=2, distance_milli=40)
    assert read.candidate.total.requests == 0


def test_ten_thousand_requests_take_no_more_room_than_ten(store: Store):
    """Time buckets and series decide, not traffic."""
    names = []
    for requests in (10, 10_000):
        found = deltas(requests, STABLE, 1000, Counts.of("ok", 3.0, times=requests))
        store.add(CountBatch(f"p{requests}", 1, 1000, found))
        rows = store.counts(*(Span(delta.series, 0, math.inf) for delta in found))
        names.append([(row.start_s, sorted(row.counts)) for row in rows])
    assert names[0] == names[1]
