"""Many processes on one store, and what is left when they are killed."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import statistics
import threading
import time
from pathlib import Path

from ocr_rollout.stores import CountBatch, CountDelta, LogEntry, Span, Transition, open_store


def step(expected: int) -> Transition:
    generation = expected + 1
    return Transition(
        expected, {"generation": generation}, LogEntry({"who": "us", "generation": generation})
    )


def begin(*processes) -> None:
    """Lets all go at the same moment, once all have loaded what they need."""
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()


def test_of_eight_processes_exactly_one_wins_each_generation(shared, spawn):
    """All begin at once, on a store that none has made yet."""
    processes = [spawn(shared, "climb", f"p{k}", 100) for k in range(8)]
    begin(*processes)
    won = {f"p{k}": int(process.stdout.readline()) for k, process in enumerate(processes)}
    store = open_store(shared)
    history = [recorded.entry.document for recorded in store.history(limit=1000)]
    assert [entry["generation"] for entry in history] == list(range(1, 101))
    assert won == {who: sum(entry["who"] == who for entry in history) for who in won}
    assert sum(won.values()) == 100
    assert store.state().generation == 100


def test_a_step_is_seen_by_other_processes_within_a_second(shared, spawn):
    """Which leaves them the rest of the three seconds that a rollback may take to reach all.

    Each of them at the median of seven steps: a busy machine may hold up one or two.
    """
    followers = [spawn(shared, "follow", 7) for _ in range(3)]
    begin(*followers)
    store = open_store(shared)
    took = [[] for _ in followers]
    for generation in range(1, 8):
        time.sleep(0.1)  # so that they do wait
        committed = time.monotonic()
        assert store.commit(step(generation - 1)).won
        for times, follower in zip(took, followers, strict=True):
            seen, at = follower.stdout.readline().split()
            assert int(seen) == generation
            times.append(float(at) - committed)
    assert [median for median in map(statistics.median, took) if median >= 1] == []


def test_a_writer_killed_in_the_middle_leaves_a_whole_store(shared, spawn):
    """Each step has its entry, each batch both its sums, and the others go on."""
    chance = random.Random(4)
    for attempt in range(6):
        victims = [spawn(shared, "work", f"p{attempt}-{k}") for k in range(2)]
        begin(*victims)
        assert victims[0].stdout.readline() == "at work\n"
        time.sleep(chance.uniform(0, 0.05))
        for victim in victims:
            victim.kill()
            victim.wait()
        store = open_store(shared)
        state = store.state()
        history = [r.entry.document["generation"] for r in store.history(limit=100_000)]
        assert history == list(range(1, state.generation + 1))
        assert state.document == {"generation": state.generation}
        rows = store.counts(Span("a", 0, 1), Span("b", 0, 1))
        assert [row.series for row in rows] == ["a", "b"]
        assert rows[0].counts == rows[1].counts
        assert store.commit(step(state.generation)).won
        store.close()


def in_child(connection, store, parent_generation: int) -> None:
    """Uses the store that the parent opened, and ends as a process of multiprocessing does."""
    assert store.state().generation == parent_generation
    assert store.commit(step(parent_generation)).won
    seen = store.wait_for_change(parent_generation, 5)
    connection.send(seen.generation)


def test_a_store_opened_before_a_fork_serves_both(shared):
    """With connections of their own: the parent waits while the child writes."""
    store = open_store(shared)
    store.commit(step(0))
    store.wait_for_change(1, 0.01)  # also the connection for notices is open now
    context = multiprocessing.get_context("fork")
    for generation in range(1, 4):
        ours, theirs = context.Pipe()
        child = context.Process(target=in_child, args=(theirs, store, generation))
        child.start()
        assert store.wait_for_change(generation, 120).generation == generation + 1
        child.join(120)
        assert child.exitcode == 0
        assert ours.recv() == generation + 1
    assert store.commit(step(4)).won


def test_a_child_that_ends_like_a_program_does_the_parent_no_harm(shared):
    """A bare fork runs the interpreter's clean-up, which must not end the parent's connections."""
    store = open_store(shared)
    store.commit(step(0))
    child = os.fork()
    if child == 0:  # pragma: no cover
        with contextlib.suppress(BaseException):
            store.commit(step(1))
            del store
            os._exit(0)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert store.state().generation == 2
    assert store.commit(step(2)).won
    assert open_store(shared).state().generation == 3


def test_threads_come_and_go_without_leaving_connections(shared):
    """A thread's connection ends with it."""
    store = open_store(shared)
    store.commit(step(0))

    def use() -> None:
        store.add(CountBatch("me", 1, 0, [CountDelta("s", 0, {"n": 1}, 9)]))

    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = open_files()
    for _ in range(30):
        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
    assert open_files() <= before + 5
