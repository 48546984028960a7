"""A process's part with its own threads: on time, never in the way, and gone when it is closed."""

import dataclasses
import sqlite3
import threading
import time

import pytest
from rollout_members import PLAN, Troubled, actions, count, person, started

from ocr_rollout.core import commands, controller
from ocr_rollout.core.windows import CANDIDATE
from ocr_rollout.runtime import Member, member
from ocr_rollout.stores import LogEntry, MemoryStore, Transition, open_store


@pytest.fixture
def joined(monkeypatch):
    """Starts members on the real clock, with their first view; none outlives the test."""
    # However busy the machine is. How short the wait is for a store that hangs, a test says below.
    monkeypatch.setattr(member, "START_S", 60.0)
    members = []

    def join(store, plan=PLAN, **options):
        one = Member(plan, store, **options)
        members.append(one)
        one.start()
        return one

    yield join
    for one in members:
        one.close()


def until(said, timeout_s=120.0):
    deadline = time.monotonic() + timeout_s
    while not said():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def rollout_threads():
    """Those that began with the test: other files' tests run in the same process."""
    before = set(threading.enumerate())
    return lambda: [
        thread
        for thread in threading.enumerate()
        if thread.name.startswith("rollout-") and thread not in before
    ]


def test_the_view_is_there_when_start_returns(store, joined):
    started(store)
    one = joined(store)
    assert one.view.table.weight_bp == 3_000
    assert one.health().store_ok


def test_before_the_start_the_candidate_has_no_share():
    one = Member(PLAN, MemoryStore())
    assert one.view.table.candidate is None
    assert (one.health().generation, one.health().last_flush_s) == (0, None)
    one.close()


def test_a_change_elsewhere_is_seen_at_once(store, joined, monkeypatch):
    """Without the tick, which comes once in the test; long before a second is over, at the median."""
    monkeypatch.setattr(member, "TICK_S", 600.0)
    started(store)
    seen = []
    one = joined(store, on_change=lambda view: seen.append((time.monotonic(), view.generation)))
    took = []
    for k in range(7):
        time.sleep(0.1)
        began = time.monotonic()
        state = person(store, commands.pause if k % 2 == 0 else commands.resume)
        until(lambda state=state: one.view.generation == state.generation)
        took.append(time.monotonic() - began)
    assert sorted(took)[3] < 0.5
    until(lambda: [generation for _, generation in seen] == [1, 2, 3, 4, 5, 6, 7, 8])


def test_a_bad_candidate_is_at_zero_within_seconds(store, joined):
    """In a program that has lived for a while: the first judgement of all loads scipy."""
    assert controller.look
    started(store)
    one = joined(store)
    began = time.monotonic()
    count(one, 0, 30)
    until(lambda: one.view.state.status == "rolled_back")
    assert time.monotonic() - began < 10
    assert actions(store) == ["start", "rollback"]
    assert one.view.table.candidate is None


def test_closing_sends_what_was_counted_and_ends_the_threads(store, rollout_threads, joined):
    started(store)
    one = joined(store)
    until(lambda: one.health().last_flush_s is not None)
    count(one, 7)
    began = time.monotonic()
    one.close()
    assert time.monotonic() - began < 2.5
    assert one.health().unsent == 0
    until(lambda: not rollout_threads())
    one.close()
    count(one, 1, first=50)
    assert one.health().unsent == 1, "after the end it counts in vain, but never raises"


def test_a_store_that_hangs_delays_neither_start_nor_record_nor_close(rollout_threads):
    """As a disk of the network does."""
    release = threading.Event()

    class Hanging(MemoryStore):
        def state(self):
            release.wait()
            return super().state()

        def wait_for_change(self, generation, timeout_s):
            release.wait()

    def took_s(call, *arguments):
        began = time.monotonic()
        call(*arguments)
        return time.monotonic() - began

    starting, counting, closing = [], [], []
    for _ in range(3):  # the machine may hold up one of them, and the store holds up all
        one = Member(PLAN, Hanging())
        starting.append(took_s(one.start))
        counting.append(took_s(count, one, 1_000))
        assert one.view.table.weight_bp == 0
        closing.append(took_s(one.close))
    assert min(starting) < 1.9
    assert min(counting) < 0.5
    assert min(closing) < 2.5
    release.set()
    until(lambda: not rollout_threads())


def test_a_store_that_is_down_stops_nothing_and_all_is_caught_up(joined):
    """Also when it is down from the beginning; health says so in one line."""
    store = Troubled()
    started(store.store)
    store.down = True
    one = joined(store)
    assert one.view.table.weight_bp == 0
    until(lambda: not one.health().store_ok)
    assert one.health().store_error == "made: it is down"
    store.down = False
    until(lambda: one.view.table.weight_bp == 3_000)
    store.down = True
    until(lambda: not one.health().store_ok)
    count(one, 0, 30)
    assert one.view.table.weight_bp == 3_000
    assert one.health().unsent == 30
    store.down = False
    until(lambda: one.view.state.status == "rolled_back")
    until(lambda: one.health().store_ok and one.health().unsent == 0)


def test_a_redis_that_is_killed_and_comes_back_is_caught_up_with(own_redis, joined):
    store = open_store(own_redis.url)
    started(store)
    one = joined(store)
    count(one, 30)
    until(lambda: one.health().unsent == 0)
    own_redis.kill()
    count(one, 30, first=100)
    until(lambda: not one.health().store_ok)
    assert one.view.table.weight_bp == 3_000
    own_redis.start()
    until(lambda: one.health().store_ok and one.health().unsent == 0)
    until(lambda: one.health().step.judgement.verdicts[0].samples == 60)
    count(one, 0, 30, first=200)
    until(lambda: one.view.state.status == "rolled_back")
    assert actions(store) == ["start", "rollback"]


def test_a_locked_sqlite_file_is_waited_out(tmp_path, joined):
    """Reading goes on under the lock; what could not be written is written after it."""
    path = tmp_path / "rollout.db"
    store = open_store(f"sqlite:///{path}")
    started(store)
    one = joined(store)
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    count(one, 40)
    time.sleep(1.5)
    assert one.health().unsent == 40
    lock.execute("ROLLBACK")
    lock.close()
    until(lambda: one.health().unsent == 0)


def test_a_state_that_cannot_be_read_does_not_make_it_busy(joined):
    """The watcher would be told of the change again and again."""
    store = MemoryStore()
    started(store)
    one = joined(store)
    good = one.view
    store.commit(Transition(1, {"generation": 2, "schema": 99}, LogEntry({})))
    until(lambda: one.health().state_error)
    used = time.process_time()
    time.sleep(1.0)
    assert time.process_time() - used < 0.5
    assert one.view is good


def test_what_on_change_raises_ends_nothing(joined, caplog):
    store = MemoryStore()
    started(store)

    def broken(view):
        raise RuntimeError("of the caller")

    one = joined(store, on_change=broken)
    until(lambda: "on_change raised" in caplog.text)
    person(store, commands.pause)
    until(lambda: one.view.generation == 2)
    assert one.health().store_ok


def test_an_error_that_nobody_thought_of_does_not_end_the_guard(joined):
    class Broken(MemoryStore):
        broken = True

        def add(self, batch):
            if self.broken:
                raise ZeroDivisionError
            return super().add(batch)

    store = Broken()
    started(store)
    one = joined(store)
    count(one, 0, 30)
    until(lambda: not one.health().store_ok)
    assert one.health().store_error == "ZeroDivisionError"
    store.broken = False
    until(lambda: one.view.state.status == "rolled_back")


def test_a_new_plan_is_in_the_view_at_once(joined):
    store = MemoryStore()
    started(store)
    seen = []
    one = joined(store, on_change=seen.append)
    sticky = dataclasses.replace(PLAN, sticky="user")
    one.replan(sticky, enabled=True, check_interval_s=1.0)
    assert (one.view.sticky, one.view.table.weight_bp) == ("user", 3_000)
    one.replan(sticky, enabled=False, check_interval_s=1.0)
    assert one.view.table.candidate is None
    assert seen[-1] is one.view


def test_under_sticky_request_buckets_are_no_keys(joined):
    store = MemoryStore()
    plan = dataclasses.replace(PLAN, sticky="request")
    started(store, plan)
    one = joined(store, plan)
    for _ in range(80):
        one.record(one.view, CANDIDATE, "ok", 5.0, 7)
    until(lambda: one.health().step and one.health().step.judgement.verdicts[0].samples == 80)
    assert one.health().repeats == 0


def test_health_can_be_asked_while_others_record(joined):
    store = MemoryStore()
    started(store)
    one = joined(store)
    done = threading.Event()

    def work():
        k = 0
        while not done.is_set():
            one.record(one.view, CANDIDATE, "ok", 30.0 + k % 50, k % 10_000)
            k += 1

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(2_000):
            assert one.health().dropped == 0
    finally:
        done.set()
        for thread in threads:
            thread.join()
