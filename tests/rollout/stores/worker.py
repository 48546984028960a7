"""One of several processes on a store: `worker.py URL VERB ...`. Begins at a line on stdin.

climb NAME TOP      takes steps until the generation is TOP; prints how many it won
work NAME           takes steps and adds batches of {a: 1} and {b: 1} until it is killed
follow TOP          prints the monotonic time at which it saw each generation, up to TOP
fill                counts new things until the disk is full; prints the error's name and line
"""

from __future__ import annotations

import resource
import sys
import time

from ocr_rollout.stores import (
    CountBatch,
    CountDelta,
    LogEntry,
    StoreError,
    Transition,
    open_store,
)


def step(expected: int, who: str) -> Transition:
    generation = expected + 1
    return Transition(
        expected, {"generation": generation}, LogEntry({"who": who, "generation": generation})
    )


def climb(store, name, top):
    won = 0
    while (generation := generation_of(store)) < int(top):
        won += store.commit(step(generation, name)).won
    print(won)


def work(store, name):
    for sequence in range(1, 1_000_000):
        store.commit(step(generation_of(store), name))
        deltas = [CountDelta(series, 0, {"n": 1}, 100) for series in ("a", "b")]
        store.add(CountBatch(name, sequence, 0, deltas))
        if sequence == 1:
            print("at work", flush=True)


def follow(store, top):
    generation = 0
    while generation < int(top):
        state = store.wait_for_change(generation, 120)
        generation = state.generation
        print(generation, time.monotonic(), flush=True)


def fill(store):
    store.state()
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    try:
        for sequence in range(1, 100_000):
            counts = {f"name-{sequence}-{k}": 1 for k in range(100)}
            store.add(CountBatch("me", sequence, 0, [CountDelta("s", sequence, counts, 100)]))
    except StoreError as error:
        print(type(error).__name__, error)


def generation_of(store):
    state = store.state()
    return state.generation if state else 0


if __name__ == "__main__":
    opened = open_store(sys.argv[1])
    print("ready", flush=True)
    sys.stdin.readline()
    verbs = {"climb": climb, "work": work, "follow": follow, "fill": fill}
    verbs[sys.argv[2]](opened, *sys.argv[3:])
