"""Counting in memory: what counts once, what is merged, what is dropped and said so."""

import random
import threading
import tracemalloc

import pytest
from rollout_members import NOW_S

from ocr_rollout.core.counts import Counts, Pairs
from ocr_rollout.core.windows import CANDIDATE, SHADOW, STABLE
from ocr_rollout.runtime import backlog as backlogs
from ocr_rollout.runtime import recorder as recorders
from ocr_rollout.runtime.backlog import Backlog
from ocr_rollout.runtime.recorder import Recorder
from ocr_rollout.stores import MemoryStore
from ocr_rollout.stores.series import read_epoch


def sent(backlog, store, now_s=NOW_S):
    """Sends everything; how many batches that took."""
    batches = 0
    while (batch := backlog.next(now_s)) is not None:
        assert store.add(batch).applied
        backlog.confirmed()
        batches += 1
    assert backlog.waiting == 0
    return batches


def flushed(recorder, store, now_s=NOW_S):
    backlog = Backlog()
    backlog.put(recorder.take(), now_s)
    sent(backlog, store, now_s)


def test_what_is_recorded_is_what_the_judge_reads():
    """Outcomes, latencies and pairs of every series, with and without keys."""
    recorder, store = Recorder(), MemoryStore()
    expected = {STABLE: Counts(), CANDIDATE: Counts(), SHADOW: Counts()}
    chance = random.Random(1)
    outcomes = ("ok", "empty", "garbled", "server_error", "timeout", "draining", "client_fault")
    for k in range(3_000):
        series, outcome = chance.choice(list(expected)), chance.choice(outcomes)
        latency_ms = chance.lognormvariate(3, 2)
        recorder.record(7, series, outcome, latency_ms, k if k % 3 else None, NOW_S + k % 5)
        expected[series] += Counts.of(outcome, latency_ms)
    for k in range(20):
        recorder.record_pair(7, Pairs(both_fine=1, distance_milli=k), k if k % 2 else None, NOW_S)
    assert recorder.waiting == 3_020
    flushed(recorder, store, NOW_S + 5)
    read = read_epoch(store, 7, NOW_S + 5)
    assert read.stable.total == expected[STABLE]
    assert read.candidate.total == expected[CANDIDATE]
    assert read.shadow.total == expected[SHADOW]
    assert read.pairs.total == Pairs(both_fine=20, distance_milli=190)
    assert sum(b.counts.requests for b in read.candidate.buckets) == expected[CANDIDATE].requests
    assert recorder.waiting == 0


def test_a_bucket_key_counts_once_a_minute_and_series():
    """Of this process by itself, of all together by the store."""
    store = MemoryStore()
    first, second = Recorder(), Recorder()
    for recorder in (first, second):
        for _ in range(5):
            recorder.record(1, CANDIDATE, "server_error", 5.0, 42, NOW_S)
            recorder.record(1, STABLE, "ok", 5.0, 42, NOW_S)
        assert recorder.repeats == 8
        flushed(recorder, store)
    read = read_epoch(store, 1, NOW_S)
    assert (read.candidate.total.requests, read.stable.total.requests) == (1, 1)
    first.record(1, CANDIDATE, "server_error", 5.0, 42, NOW_S + 60)
    flushed(first, store, NOW_S + 60)
    assert read_epoch(store, 1, NOW_S + 60).candidate.total.requests == 2


def test_without_keys_every_request_counts():
    """`sticky: request`: no key repeats, buckets only fall together by chance."""
    recorder, store = Recorder(), MemoryStore()
    for _ in range(50):
        recorder.record(1, CANDIDATE, "ok", 5.0, None, NOW_S)
    flushed(recorder, store)
    assert read_epoch(store, 1, NOW_S).candidate.total.requests == 50


def test_a_spoilt_image_does_not_hide_the_fault_of_the_good_one_after_it():
    """Client faults and draining take no key, for they are no requests to the judge."""
    recorder, store = Recorder(), MemoryStore()
    recorder.record(1, CANDIDATE, "client_fault", 5.0, 42, NOW_S)
    recorder.record(1, CANDIDATE, "draining", 5.0, 42, NOW_S)
    recorder.record(1, CANDIDATE, "server_error", 5.0, 42, NOW_S)
    flushed(recorder, store)
    total = read_epoch(store, 1, NOW_S).candidate.total
    assert (total.requests, total.errors, total.count("client_fault")) == (1, 1, 1)


@pytest.mark.parametrize(
    ("outcome", "latency_ms", "bucket", "at_s"),
    [
        ("no such", 5.0, 1, NOW_S),
        ("ok", None, 1, NOW_S),
        ("ok", 5.0, 10_000, NOW_S),
        ("ok", 5.0, -1, NOW_S),
        ("ok", 5.0, "x", NOW_S),
        ("ok", 5.0, 1, float("nan")),
        ("ok", 5.0, 1, float("inf")),
        ("ok", 5.0, 1, -5.0),
        ([], 5.0, 1, NOW_S),
    ],
)
def test_what_makes_no_sense_is_dropped_and_never_raises(outcome, latency_ms, bucket, at_s):
    recorder = Recorder()
    recorder.record(1, CANDIDATE, outcome, latency_ms, bucket, at_s)
    assert (recorder.dropped, recorder.waiting) == (1, 0)


@pytest.mark.parametrize("latency_ms", [float("nan"), float("inf"), -1.0, 0.0, 1e300])
def test_a_strange_latency_is_counted_all_the_same(latency_ms):
    recorder, store = Recorder(), MemoryStore()
    recorder.record(1, CANDIDATE, "ok", latency_ms, 1, NOW_S)
    flushed(recorder, store)
    assert read_epoch(store, 1, NOW_S).candidate.total == Counts.of("ok", latency_ms)


def test_threads_lose_nothing():
    recorder, store = Recorder(), MemoryStore()
    backlog = Backlog()
    done = threading.Event()

    def work(start):
        for k in range(2_000):
            recorder.record(1, CANDIDATE, "ok", 20.0, start + k, NOW_S)

    def take():
        while not done.is_set():
            backlog.put(recorder.take(), NOW_S)

    taker = threading.Thread(target=take)
    workers = [threading.Thread(target=work, args=(2_000 * k,)) for k in range(5)]
    for thread in (taker, *workers):
        thread.start()
    for thread in workers:
        thread.join()
    done.set()
    taker.join()
    backlog.put(recorder.take(), NOW_S)
    assert backlog.waiting == 10_000
    assert sent(backlog, store) >= 10_000 / backlogs.BATCH_KEYS
    assert read_epoch(store, 1, NOW_S).candidate.total.requests == 10_000


def test_an_unanswered_batch_is_offered_again_as_it_was():
    """Whatever came meanwhile waits for the next one."""
    recorder, store, backlog = Recorder(), MemoryStore(), Backlog()
    recorder.record(1, CANDIDATE, "ok", 5.0, 1, NOW_S)
    backlog.put(recorder.take(), NOW_S)
    batch = backlog.next(NOW_S)
    store.add(batch)
    recorder.record(1, CANDIDATE, "ok", 5.0, 2, NOW_S)
    backlog.put(recorder.take(), NOW_S + 1)
    assert backlog.next(NOW_S + 1) is batch
    assert not store.add(batch).applied
    backlog.confirmed()
    assert sent(backlog, store) == 1
    assert read_epoch(store, 1, NOW_S).candidate.total.requests == 2


def test_a_batch_that_the_store_may_have_forgotten_is_given_up():
    """After a day a store no longer knows its number, and would add it twice."""
    recorder, backlog = Recorder(), Backlog()
    for k in range(3):
        recorder.record(1, CANDIDATE, "ok", 5.0, k, NOW_S)
    backlog.put(recorder.take(), NOW_S)
    assert backlog.next(NOW_S) is not None
    assert backlog.next(NOW_S + 86_400) is None
    assert (backlog.dropped, backlog.waiting) == (3, 0)


@pytest.mark.parametrize("keyed", [True, False])
def test_hours_without_a_store_are_merged_by_the_minute_and_all_arrive(keyed):
    """Two hours at 5 requests a second; nothing is lost, and little is kept."""
    recorder, backlog, store, now_s = Recorder(), Backlog(), MemoryStore(), NOW_S
    chance, n = random.Random(3), 0
    for _ in range(7_200):
        for _ in range(5):
            recorder.record(
                1,
                CANDIDATE,
                "ok",
                chance.lognormvariate(3, 0.3),
                n % 10_000 if keyed else None,
                now_s,
            )
            n += 1
        now_s += 1
        backlog.put(recorder.take(), now_s)
    assert (backlog.waiting, backlog.dropped) == (n, 0)
    assert len(backlog._keyed) + len(backlog._plain) < 6_000
    sent(backlog, store, now_s)
    read = read_epoch(store, 1, now_s)
    assert read.candidate.total.requests == n
    assert sum(b.counts.requests for b in read.candidate.buckets) == n


def test_days_without_a_store_keep_memory_bounded_and_say_what_was_dropped(monkeypatch):
    """The oldest go first: what is happening now matters most."""
    monkeypatch.setattr(backlogs, "MAX_KEYS", 5_000)
    recorder, backlog, store, now_s = Recorder(), Backlog(), MemoryStore(), NOW_S
    n = 0
    for _ in range(600):
        for _ in range(50):
            recorder.record(1, CANDIDATE, "ok", 30.0, n % 10_000, now_s)
            n += 1
        now_s += 1
        backlog.put(recorder.take(), now_s)
    assert backlog.waiting <= 5_000
    assert backlog.dropped + backlog.waiting == n
    sent(backlog, store, now_s)
    buckets = read_epoch(store, 1, now_s).candidate.buckets
    assert buckets[-1].start_s == int(now_s) - 1


def test_pairs_without_a_store_are_bounded_too(monkeypatch):
    monkeypatch.setattr(backlogs, "MAX_PLACES", 500)
    recorder, backlog = Recorder(), Backlog()
    for k in range(2_000):
        recorder.record_pair(1, Pairs(both_fine=1, distance_milli=k), k, NOW_S + k)
        backlog.put(recorder.take(), NOW_S + k)
    assert backlog.waiting <= 500
    assert backlog.waiting + backlog.dropped == 2_000


def test_a_loop_that_is_stuck_for_hours_cannot_fill_memory(monkeypatch):
    """A disk that hangs holds the one thread that takes counts away."""
    monkeypatch.setattr(recorders, "MAX_KEYS", 1_000)
    recorder = Recorder()
    for k in range(3_000):
        recorder.record(1, CANDIDATE, "ok", 30.0, k, NOW_S)
    assert (recorder.waiting, recorder.dropped) == (1_000, 2_000)


def test_a_clock_that_jumps_between_outcomes_costs_nothing():
    """Back and forth by a day: every one is counted, windows are forgotten, not mixed up."""
    recorder, store = Recorder(), MemoryStore()
    for k in range(200):
        recorder.record(1, CANDIDATE, "ok", 30.0, k, NOW_S + (-1) ** k * 86_400 * (k % 7))
    assert len(recorder._seen) <= recorders._WINDOWS
    flushed(recorder, store)
    assert read_epoch(store, 1, NOW_S).candidate.total.requests == 200


def test_memory_does_not_grow_with_outcomes():
    """200,000 here, ten million by `python -m benchmarks --only rollout`."""
    recorder, backlog, store, now_s = Recorder(), Backlog(), MemoryStore(), NOW_S
    chance = random.Random(5)
    latencies = [chance.lognormvariate(3, 0.5) for _ in range(997)]

    def run(n):
        nonlocal now_s
        for k in range(n):
            recorder.record(1, CANDIDATE, "ok", latencies[k % 997], k * 7 % 10_000, now_s)
            if k % 1_000 == 999:
                now_s += 1
                backlog.put(recorder.take(), now_s)
                sent(backlog, store, now_s)
                store.prune(now_s)

    run(130_000)  # until the windows of seconds are full
    tracemalloc.start()
    run(10_000)
    before, _ = tracemalloc.get_traced_memory()
    run(60_000)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 300_000
