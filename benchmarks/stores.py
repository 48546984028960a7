"""What a process pays each second for sharing its counts: a flush, a reading, a look at the state.

The epoch has run for a week, so that every time bucket that can be there is there.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from benchmarks.ports import free_port
from benchmarks.report import Row, Section
from benchmarks.timing import interleave

from ocr_rollout.core.counts import Counts, Pairs
from ocr_rollout.core.windows import CANDIDATE, PAIRS, SHADOW, STABLE, WIDTHS_S, places
from ocr_rollout.stores import (
    CountBatch,
    CountDelta,
    KeyedDelta,
    LogEntry,
    MemoryStore,
    SqliteStore,
    Store,
    Transition,
    new_id,
    open_store,
)
from ocr_rollout.stores.series import WHOLE_S, EpochReader, deltas, read_epoch

NOW_S = 1_790_000_000
SECOND_MS = 1_000.0
GOAL = 0.05  # of one core, for all that a process does with the store each second
EACH_SECOND, SOMETIMES = ("flush", "read again", "state"), "read everything"
KEYS = 100  # requests with a bucket key in each flush


def measure(rounds: int) -> Section:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stores: dict[str, Store] = {
            "memory": MemoryStore(),
            "SQLite": SqliteStore(folder / "rollout.db"),
        }
        url = stack.enter_context(redis_server(folder))
        if url is not None:
            stores["Redis"] = open_store(url)
        calls: dict[str, Callable[[], object]] = {}
        spent: dict[str, list[float]] = {}
        for name, store in stores.items():
            stack.callback(store.close)
            _fill(store)
            for verb, call in _verbs(store).items():
                which = f"{name}: {verb}"
                calls[which] = _counted(call, spent.setdefault(which, []))
        times = {
            name: float(np.median(ms)) for name, ms in interleave(calls, rounds=rounds).items()
        }
    rows = [Row(name, value, "ms") for name, value in times.items()]
    for name in stores:
        costs = {verb: float(np.median(spent[f"{name}: {verb}"])) for verb in EACH_SECOND}
        each = sum(costs.values()) + float(np.median(spent[f"{name}: {SOMETIMES}"])) / WHOLE_S
        rows.append(
            Row(
                f"{name}: all of it, each second",
                100 * each / SECOND_MS,
                "% of a core",
                "processor time of the process: it also waits for a store, which costs it nothing",
                goal=f"<= {GOAL:.0%}",
                met=each / SECOND_MS <= GOAL,
            )
        )
        title = f"{name}: of that for each of {KEYS} requests a second"
        rows.append(Row(title, 1e3 * each / KEYS, "us", against="no store at all"))
    note = f"A flush has four series and {KEYS} bucket keys; a reading has a week of four series."
    if url is None:
        note += " Redis was NOT MEASURED: apt-get install -y redis-server"
    return Section("Stores: what a client process does each second", tuple(rows), note)


def _counted(call: Callable[[], object], spent_ms: list[float]) -> Callable[[], object]:
    """The call, which also writes down what it cost this thread of the processor."""

    def counted() -> object:
        before = time.thread_time()
        result = call()
        spent_ms.append(1_000 * (time.thread_time() - before))
        return result

    return counted


def _verbs(store: Store) -> dict[str, Callable[[], object]]:
    sequence, generation = iter(range(1, 1 << 60)), iter(range(1 << 60))
    source = new_id()
    reader = EpochReader(store, 1)
    reader.read(NOW_S)
    one = [deltas(1, CANDIDATE, NOW_S, Counts.of("ok", 10.0 * 1.3**k)) for k in range(12)]

    def flush() -> None:
        number = next(sequence)
        found = [delta for name in (STABLE, CANDIDATE, SHADOW) for delta in _second(name, NOW_S)]
        keyed = [
            KeyedDelta(
                "1/candidate", number // 60, NOW_S, (number * KEYS + k) % 10_000, one[k % 12]
            )
            for k in range(KEYS)
        ]
        assert store.add(CountBatch(source, number, NOW_S, found, keyed)).applied

    def commit() -> None:
        expected = next(generation)
        document = {"generation": expected + 1, "reason": "x" * 500}
        assert store.commit(Transition(expected, document, LogEntry(document))).won

    return {
        "flush": flush,
        "read again": lambda: reader.read(NOW_S + 1),
        "read everything": lambda: read_epoch(store, 1, NOW_S + 1),
        "state": store.state,
        "compare-and-set": commit,
        "prune, nothing to do": lambda: store.prune(0),
    }


def _second(name: str, at_s: int) -> tuple[CountDelta, ...]:
    """A hundred requests of twelve latencies."""
    counts = Counts()
    for k in range(12):
        counts += Counts.of("ok", 10.0 * 1.3**k, times=8)
    return deltas(1, name, at_s, counts + Counts.of("timeout", 900.0, times=4))


def _fill(store: Store) -> None:
    pairs = Pairs(both_fine=90, candidate_only=4, stable_only=6, equal=80, distance_milli=400)
    for sequence, width in enumerate(WIDTHS_S, start=1):
        found = []
        for back in range(66):
            at_s = NOW_S - back * width
            added = [delta for name in (STABLE, CANDIDATE, SHADOW) for delta in _second(name, at_s)]
            added += deltas(1, PAIRS, at_s, pairs)
            kept = {(str(wide), start) for start, wide in places(at_s) if wide >= width}
            found += [d for d in added if (d.series.rpartition("/")[2], d.start_s) in kept]
        store.add(CountBatch("fill", sequence, NOW_S, found))


@contextlib.contextmanager
def redis_server(folder: Path) -> Iterator[str | None]:
    """A server of our own on loopback that writes its log of changes; None without the program."""
    program = shutil.which("redis-server")
    if program is None:
        yield None
        return
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    options += ["--appendonly", "yes", "--appendfsync", "always"]
    with subprocess.Popen([program, *options], cwd=folder, stdout=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 20
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                if time.monotonic() > deadline:
                    raise TimeoutError("redis-server did not start in 20 s")
                time.sleep(0.01)
            yield f"redis://127.0.0.1:{port}"
        finally:
            process.terminate()
