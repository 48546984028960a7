"""The rollout in the client's processes: what it costs a request, and how soon all are at weight 0.

The limits are those of the rollout's issue.
"""

from __future__ import annotations

import contextlib
import dataclasses
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.crowd import Crowd, Seen
from benchmarks.report import Row, Section
from benchmarks.stores import redis_server
from benchmarks.timing import Took, interleave

from ocr_rollout.core import commands
from ocr_rollout.core.counts import Counts
from ocr_rollout.core.evidence import Evidence
from ocr_rollout.core.judge import judge
from ocr_rollout.core.limits import Limits
from ocr_rollout.core.outcomes import OUTCOMES
from ocr_rollout.core.plan import Phase, Plan
from ocr_rollout.core.routing import Arm, RouteTable, bucket_of, choose_arm
from ocr_rollout.core.state import RolloutState
from ocr_rollout.core.transition import Transition
from ocr_rollout.core.windows import CANDIDATE, WIDTHS_S, Bucket, Series
from ocr_rollout.runtime import Member
from ocr_rollout.runtime.transitions import commit
from ocr_rollout.stores import MemoryStore, Store, open_store

PLAN = Plan("bench", Arm("convnext", 1), Arm("crnn", 1), phases=(Phase(3_000), Phase(6_000)))
NOW_S = 1_790_000_000
PROCESSES = 8
LIMIT_S = {"SQLite": 3.0, "Redis": 1.0}
BAD = 0.3  # share of faults that the candidate is switched to
DEADLINE_S = 300.0  # bounds a failure


def measure(rounds: int) -> Section:
    """rounds: 200 record ten million outcomes in memory, fewer in proportion."""
    rows = [*_costs(rounds), *_memory(50_000 * rounds)]
    note = f"Costs are CPU time. {PROCESSES} processes, 100 requests a second each, 30 % of them at the candidate."
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        urls = {"SQLite": f"sqlite:///{folder / 'rollout.db'}"}
        url = stack.enter_context(redis_server(folder))
        if url is None:
            note += " Redis was NOT MEASURED: apt-get install -y redis-server"
        else:
            urls["Redis"] = url
        for name, where in urls.items():
            rows += _rows_of_rollback(name, where)
    return Section("Rollout: cost of a request, and a rollback in all processes", tuple(rows), note)


def started(store: Store, plan: Plan, *, digest: str = "weights") -> None:
    """Starts a rollout as a person does."""
    stored = store.state()
    state = RolloutState() if stored is None else RolloutState.from_dict(stored.document)
    answer = commands.start(plan, state, digest=digest, by="ann", at_s=time.time())
    assert isinstance(answer, Transition), answer
    assert commit(store, answer)[0]


@dataclasses.dataclass(frozen=True)
class Rollback:
    """How a rollback went. What is one number for each process stands in the order of their zeros.

    at_zero_s: from the look that decided, which began a moment before, to its own weight 0.
    turns: how many it had from the first one's weight 0 to its own, each at least STEP_S after the
    one before: the same time on a clock that stands while the machine does something else.
    deciding_turns: of the first one, from its look to its own weight 0. rollbacks: in the audit log.
    noticed_s: from the first fault to the look that decided.
    """

    at_zero_s: tuple[float, ...]
    turns: tuple[int, ...]
    deciding_turns: int
    rollbacks: int
    noticed_s: float


def rolled_back(url: str, *, processes: int = PROCESSES) -> Rollback:
    """The candidate turns bad under all processes."""
    store = open_store(url)
    started(store, PLAN)
    with Crowd(url) as crowd:
        seen: dict[int, list[Seen]] = {crowd.join(PLAN).number: [] for _ in range(processes)}

        def collect(done: Callable[[list[Seen]], bool]) -> None:
            deadline = time.monotonic() + DEADLINE_S
            while not all(done(views) for views in seen.values()):
                assert time.monotonic() < deadline, "the processes did not follow"
                for participant in crowd.alive:
                    seen[participant.number] += participant.seen()
                time.sleep(0.01)

        collect(lambda views: any(view.weight_bp for view in views))
        time.sleep(2.0)  # ordinary traffic first, so that every process has judged
        crowd.fail(BAD)
        bad_s = time.time()
        collect(lambda views: bool(views) and views[-1].weight_bp == 0)
        time.sleep(2.0)  # for a second rollback, if anybody is to write one
    history = [recorded.entry.document for recorded in store.history(limit=1_000)]
    rollbacks = [entry for entry in history if entry["action"] == "rollback"]
    decided_s = float(rollbacks[0]["at_s"])
    at_zero = sorted(
        (next(view for view in views if view.status == "rolled_back") for views in seen.values()),
        key=lambda view: view.at_s,
    )
    first = at_zero[0]
    store.close()
    return Rollback(
        tuple(view.at_s - decided_s for view in at_zero),
        tuple(view.turns_since(first.at_s) for view in at_zero),
        first.turns_since(decided_s),
        len(rollbacks),
        decided_s - bad_s,
    )


def _rows_of_rollback(name: str, url: str) -> list[Row]:
    found, limit_s = rolled_back(url), LIMIT_S[name]
    slowest_s = max(found.at_zero_s)
    return [
        Row(f"{name}: {BAD:.0%} faults until the decision", found.noticed_s, "s"),
        Row(
            f"{name}: from it until all processes are at weight 0",
            slowest_s,
            "s",
            detail=f"first {min(found.at_zero_s):.2f} s",
            goal=f"<= {limit_s:g} s",
            met=slowest_s <= limit_s,
        ),
        Row(
            f"{name}: rollbacks in the audit log",
            found.rollbacks,
            "",
            goal="1",
            met=found.rollbacks == 1,
        ),
    ]


def _costs(rounds: int) -> list[Row]:
    """CPU time: microseconds of what each request pays, milliseconds of one look of the judge."""
    table = RouteTable(PLAN.stable, PLAN.candidate, 3_000)
    store = MemoryStore()
    started(store, PLAN)
    clock = [float(NOW_S)]
    member = Member(PLAN, store, clock=lambda: clock[0])
    member.start()
    member.close()  # the view stays
    view, chance = member.view, random.Random(1)
    requests = [
        (chance.choice(OUTCOMES[:7]), chance.lognormvariate(3, 0.5), bucket)
        for bucket in chance.sample(range(10_000), 5_000)
    ]
    keys = [f"user_image\x1f{k}\x1f{'ab' * 32}" for k in range(5_000)]

    def record() -> None:
        for outcome, latency_ms, bucket in requests:
            member.record(view, CANDIDATE, outcome, latency_ms, bucket)

    def choose() -> None:
        for key in keys:
            choose_arm(table, bucket_of(key, PLAN.rollout_id))

    def in_new_window() -> Took:
        clock[0] += 60  # so that no key is a repeat, which would be cheaper
        member._recorder.take()  # noqa: SLF001  # as the loop does each second
        return _cpu(record)

    def look(evidence: Evidence) -> None:
        judge(Limits(), evidence, weight_bp=3_000, now_s=NOW_S)

    plain, full = week(shadow=False), week(shadow=True)
    times = {
        name: float(np.median(ms))
        for name, ms in interleave(
            {
                "record": in_new_window,
                "choose": lambda: _cpu(choose),
                "judge": lambda: _cpu(look, plain),
                "shadow": lambda: _cpu(look, full),
            },
            rounds=max(10, rounds // 4),
        ).items()
    }
    record_us, choose_us = times["record"] / 5, times["choose"] / 5
    return [
        Row("recording an outcome", record_us, "us", "", "<= 5 us", record_us <= 5),
        Row(
            "deciding the arm, hash of the key included",
            choose_us,
            "us",
            "",
            "<= 5 us",
            choose_us <= 5,
        ),
        Row("one look of the judge", times["judge"], "ms", "", "<= 2 ms", times["judge"] <= 2),
        Row(
            "the same with full shadow", times["shadow"], "ms", "", "<= 2 ms", times["shadow"] <= 2
        ),
    ]


def _cpu(call: Callable[..., None], *arguments: Any) -> Took:
    """Of this thread, for a busy machine interrupts it as often as it likes."""
    before = time.thread_time()
    call(*arguments)
    return Took(1_000 * (time.thread_time() - before))


def week(*, shadow: bool) -> Evidence:
    """A week of an epoch: every bucket that a series can have."""
    second = Counts.of("ok", 20.0, 60) + Counts.of("ok", 30.0, 39) + Counts.of("server_error", 5.0)
    buckets: dict[int, Bucket[Counts]] = {}
    for width in WIDTHS_S:
        for back in range(60):
            start = NOW_S - NOW_S % width - back * width
            if not buckets or start + width <= min(buckets):
                buckets[start] = Bucket(start, width, second)
    counted = tuple(buckets[start] for start in sorted(buckets))
    total = Counts()
    for bucket in counted:
        total += bucket.counts
    series = Series(total, counted)
    return Evidence(series, series, series if shadow else Series(Counts()), watched_s=6e5)


def _memory(outcomes: int) -> list[Row]:
    """Growth of the process from the first tenth of the outcomes to the end, flushing all along."""
    store, clock = MemoryStore(), [float(NOW_S)]
    started(store, PLAN)
    member = Member(PLAN, store, clock=lambda: clock[0])
    loop = member._loop  # noqa: SLF001  # a second of made time at each tick
    loop.tick()
    view, chance, before = member.view, random.Random(2), 0.0
    latencies = [chance.lognormvariate(3, 0.5) for _ in range(1_000)]
    for done in range(0, outcomes, 10_000):
        if done >= outcomes // 10 and not before:
            before = _resident_mib()
        for k in range(10_000):
            member.record(view, CANDIDATE, "ok", latencies[k % 1_000], (done + 7 * k) % 10_000)
        clock[0] += 1.0
        loop.tick()
    grown = _resident_mib() - before
    return [
        Row(
            f"memory grown over {outcomes:,} outcomes",
            grown,
            "MiB",
            "after the first tenth",
            "<= 5 MiB",
            grown <= 5,
        )
    ]


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20
