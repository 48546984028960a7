"""Redis's state grows with arms and time, not with requests: ten million outcomes, recorded for real.

    python -m benchmarks.redis_growth [--outcomes 10000000] [--out FILE]

A member of a rollout records outcomes and flushes them to a redis-server of its own, through the
recorder and the store that clients use; only its clock is made: a minute passes between two flushes,
so that ten million outcomes fill most of a day. Keys and memory are read on the way.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis
from benchmarks import machine
from benchmarks.rollout_processes import NOW_S, PLAN, started
from benchmarks.stores import redis_server

from ocr_rollout.core.windows import CANDIDATE, STABLE
from ocr_rollout.runtime import Member
from ocr_rollout.stores import StoreError, open_store

FLUSH = 10_000  # outcomes between two flushes
MINUTE_S = 60.0
KEYS = 2_000  # users in a minute: all have been there before, and come five times
MARKS = 10
TRIES = 30


def grown(outcomes: int, url: str) -> list[dict[str, Any]]:
    """At the start and after each tenth: outcomes so far, keys, bytes of memory, hours passed."""
    store, clock = open_store(url), [float(NOW_S)]
    started(store, PLAN)
    member = Member(PLAN, store, clock=lambda: clock[0])
    loop = member._loop  # noqa: SLF001  # a minute of made time at each tick
    loop.tick()
    chance, view = random.Random(3), member.view
    latencies = [chance.lognormvariate(3, 0.5) for _ in range(1_000)]
    found = [_mark(url, 0, 0.0)]
    for done in range(0, outcomes, FLUSH):
        for number in range(FLUSH):
            outcome = "ok" if number % 100 else "timeout"
            arm = CANDIDATE if number % 10 < 3 else STABLE
            member.record(
                view, arm, outcome, latencies[number % 1_000], (done + 7 * (number % KEYS)) % 10_000
            )
        clock[0] += MINUTE_S
        _flush(loop.tick)
        if (done + FLUSH) % (outcomes // MARKS) == 0:
            found.append(_mark(url, done + FLUSH, (clock[0] - NOW_S) / 3_600))
    store.close()
    return found


def _flush(tick: Callable[[], object]) -> None:
    """As the loop's thread does: a batch without an answer is offered again, and counts once."""
    for _ in range(TRIES):
        with contextlib.suppress(StoreError):
            tick()
            return
        time.sleep(1)
    raise TimeoutError(f"redis-server did not answer in {TRIES} flushes")


def _mark(url: str, outcomes: int, hours: float) -> dict[str, Any]:
    with redis.Redis.from_url(url) as client:
        keys, memory = int(client.dbsize()), int(client.info("memory")["used_memory"])
    return {"outcomes": outcomes, "hours": round(hours, 1), "keys": keys, "bytes": memory}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.redis_growth", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--outcomes", type=int, default=10_000_000)
    parser.add_argument("--out", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    facts, begun = machine.facts(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder, redis_server(Path(folder)) as url:
        if url is None:
            print("NOT MEASURED: apt-get install redis-server", file=sys.stderr)
            return 1
        found = grown(options.outcomes, url)
    for one in found:
        print(
            f"{one['outcomes']:>12,} outcomes, {one['hours']:5.1f} h: {one['keys']:,} keys,"
            f" {one['bytes'] / 2**20:.2f} MiB"
        )
    if options.out:
        document = {"machine": facts, "took_s": round(time.monotonic() - begun), "marks": found}
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
