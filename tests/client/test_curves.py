"""A rollout's counts as curves: over all its phases, in as many points as are drawn."""

import dataclasses
import math
import time

import pytest
from desk import Desk

from ocr_client.operations.curves import (
    EPOCHS,
    HOUR_S,
    LONGEST_S,
    POINTS,
    coarser,
    curves,
    epochs_of,
    of_arm,
    steps_of,
    together,
    width_for,
)
from ocr_client.operations.setting import setting
from ocr_rollout.core.counts import Counts, Pairs
from ocr_rollout.core.state import AuditEntry, RolloutState
from ocr_rollout.core.windows import Bucket, Series
from ocr_rollout.stores import LogEntry, Recorded
from ocr_rollout.stores.series import EpochCounts

FINE, BAD = Counts.of("ok", 50.0), Counts.of("server_error")


def entry(action, generation, rollout="r1"):
    return AuditEntry(
        float(generation), "ann", action, "", generation, rollout, "b:1", "idle", "running",
        0, 0, 0, 0,
    )  # fmt: skip


def recorded(*entries):
    documents = (one.to_dict() if isinstance(one, AuditEntry) else one for one in entries)
    return [Recorded(k, LogEntry(document)) for k, document in enumerate(documents, 1)]


def test_the_steps_are_those_since_the_last_start():
    """Of this rollout; what else stands in the log is left out."""
    history = recorded(
        entry("start", 1),
        entry("rollback", 2),
        entry("start", 3),
        {"kind": "message", "target": "ops"},
        entry("pause", 4),
        entry("start", 1, rollout="another store's"),
        entry("start", 5),
        entry("advance", 6),
    )
    found = steps_of(history, RolloutState(rollout_id="r1"))
    assert [(step.action, step.generation) for step in found] == [("start", 5), ("advance", 6)]


def test_the_epochs_are_bounded_and_the_present_one_is_among_them():
    steps = [entry("resume", generation) for generation in range(1, 100)]
    state = RolloutState(generation=99, epoch=99)
    assert epochs_of(steps, state) == tuple(range(100 - EPOCHS, 100))
    assert epochs_of([], RolloutState()) == (0,)


@pytest.mark.parametrize(
    ("span_s", "width_s"),
    [
        (0, 1),
        (POINTS, 1),
        (POINTS + 1, 10),
        (HOUR_S, 100),
        (86_400, 1_000),
        (LONGEST_S, 10_000),
        (10 * LONGEST_S, 10_000),
    ],
)
def test_a_longer_time_is_drawn_in_wider_buckets(span_s, width_s):
    assert width_for(span_s) == width_s


def test_buckets_are_merged_at_multiples_of_the_width():
    """Wider ones stay, counts add up, time goes on."""
    buckets = (
        Bucket(900, 100, FINE),
        *(Bucket(start, 1, FINE + BAD) for start in (1_003, 1_009, 1_010, 1_025)),
    )
    found = coarser(buckets, 10)
    assert [(b.start_s, b.width_s, b.counts.requests) for b in found] == [
        (900, 100, 1),
        (1_000, 10, 4),
        (1_010, 10, 2),
        (1_020, 10, 2),
    ]
    assert coarser(buckets, 1) == buckets


def test_what_began_in_one_phase_and_ended_in_the_next_is_one_curve():
    """Epochs overlap by the requests under way."""
    first = Series(FINE, (Bucket(10, 1, FINE),)).added(11, FINE)
    second = Series(BAD, (Bucket(11, 1, BAD),)).added(12, BAD)
    nothing, pairs = Series(Counts()), Series(Pairs())
    epochs = [EpochCounts(nothing, series, nothing, pairs) for series in (second, first)]
    drawn = of_arm(coarser(together(epochs, 0).candidate.buckets, 1))
    assert drawn["start_s"] == (10, 11, 12)
    assert drawn["requests"] == (1, 2, 1)
    assert drawn["error_share"] == (0, 0.5, 1)
    later = of_arm(coarser(together(epochs, 11.5).candidate.buckets, 1))
    assert later["start_s"] == (11, 12)


def test_a_bucket_without_an_answer_has_no_latency_and_the_slowest_has_one():
    """Beyond all bins: a number still, for JSON has no infinity."""
    drained, endless = Counts.of("draining", 1.0), Counts.of("timeout", 90_000.0)
    drawn = of_arm((Bucket(0, 1, drained), Bucket(1, 1, endless)))
    assert (drawn["error_share"], drawn["p95_ms"]) == ((None, 1.0), (None, 65_536.0))


def test_a_week_of_four_phases_is_a_few_hundred_points(tmp_path):
    """Read in well under the second in which it is drawn anew."""
    desk = Desk(tmp_path).started()
    now_s, there = time.time(), setting(str(desk.file), None)
    for age_s in (0, 5, 50, 500, 5_000, 50_000, 500_000):
        for k in range(8):
            desk.counted("candidate", FINE, now_s - age_s - k)
            desk.counted("pairs", Pairs(both_fine=1, equal=1), now_s - age_s - k)
    took_s = math.inf
    for _ in range(3):  # the quickest, for others use this machine
        began_s = time.perf_counter()
        drawn = curves(there, now_s, LONGEST_S)
        took_s = min(took_s, time.perf_counter() - began_s)
    print(f"read in {1e3 * took_s:.1f} ms")
    candidate = drawn.arms["candidate"]
    assert sum(candidate["requests"]) == 56
    assert set(candidate["width_s"]) == {10_000}
    assert sum(curves(there, now_s, HOUR_S).arms["candidate"]["requests"]) == 32
    assert dataclasses.asdict(drawn)["rollout"] == "r1"
    assert took_s < 0.5
