"""Many processes with a part in one rollout: all follow, one decides, any may be killed.

`python -m benchmarks --only rollout` prints the figures of the first test.
"""

import random
import time
from pathlib import Path

import pytest
from rollout_members import actions, person, started

from ocr_rollout.core import commands
from ocr_rollout.core.counts import Counts
from ocr_rollout.core.plan import Phase, Plan
from ocr_rollout.core.routing import Arm
from ocr_rollout.core.state import AuditEntry
from ocr_rollout.runtime import Member
from ocr_rollout.runtime.transitions import read_state
from ocr_rollout.stores import open_store
from ocr_rollout.stores.series import read_epoch

ROOT = Path(__file__).parents[3]
KILLS = 50
FIRST = Plan(
    "healthy",
    Arm("convnext", 1),
    Arm("crnn", 1),
    phases=tuple(Phase(share, 0.0, 150, "auto") for share in (1_000, 3_000, 6_000, 10_000)),
    sticky="request",
)
# Its phase is not over while the test runs, so nothing but the rollback is written.
SECOND = Plan(
    "bad", Arm("crnn", 1), Arm("crnn", 2), phases=(Phase(3_000, 3_600.0),), sticky="request"
)


@pytest.fixture
def crowd(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks import crowd

    return crowd


@pytest.mark.slow
def test_eight_processes_are_at_weight_zero_soon_after_the_first_ones_decision(shared, crowd):
    """Within 3 s on SQLite and 1 s on Redis; exactly one rollback stands in the audit log.

    By the turns that each process had meanwhile: where others have the processors, it takes as much
    longer as each of them waits for its turn. Deciding asks the store some twenty times, and waits
    for two processes' turns each time.
    """
    from benchmarks.rollout_processes import LIMIT_S, rolled_back

    found = rolled_back(shared)
    print(f"{shared}: {found}")
    assert found.rollbacks == 1
    assert len(found.at_zero_s) == len(found.turns) == 8
    limit_s = LIMIT_S["SQLite" if shared.startswith("sqlite") else "Redis"]
    assert max(found.turns) <= limit_s / crowd.STEP_S
    assert found.deciding_turns <= LIMIT_S["SQLite"] / crowd.STEP_S


def test_a_request_pays_microseconds_and_a_look_of_the_judge_milliseconds(crowd):
    """CPU time; twice the goals, for a busy machine is slower also by that measure."""
    from benchmarks.rollout_processes import _costs

    rows = {row.name: row.value for row in _costs(rounds=40)}
    assert rows["recording an outcome"] < 10
    assert rows["deciding the arm, hash of the key included"] < 10
    assert rows["one look of the judge"] < 4
    assert rows["the same with full shadow"] < 4


@pytest.mark.slow
def test_fifty_processes_are_killed_and_the_others_go_on(tmp_path, crowd):
    """A good candidate passes its gates and a bad one is taken back once, whoever dies meanwhile.

    After each kill: the state can be read, its generation never falls and is the number of entries
    in the audit log. At the end: every batch of every process is there once, answers that were
    lost included, and a new process goes on from what it finds.
    """
    url = f"sqlite:///{tmp_path / 'rollout.db'}"
    store, chance = open_store(url), random.Random(20261122)
    started(store, FIRST)
    began, generation = time.monotonic(), 0

    def check():
        nonlocal generation
        state = read_state(store)
        entries = [AuditEntry.from_dict(r.entry.document) for r in store.history(limit=1_000)]
        steps = [entry.generation for entry in entries]  # read later, so maybe one more
        assert steps == list(range(1, len(steps) + 1))
        assert len(steps) >= state.generation
        assert state.generation >= generation
        generation = state.generation
        return state

    with crowd.Crowd(url, rate=100, check_interval_s=0.5, lossy=0.2) as members:
        plan = FIRST
        for _ in range(6):
            members.join(plan)
        for kill in range(KILLS):
            time.sleep(chance.uniform(0.1, 0.8))
            members.kill(chance.choice(victims(members, store, at_work=kill % 2 == 0)))
            state = check()
            if kill >= KILLS // 2 and plan is FIRST:
                wait_for(lambda: check().status == "completed")
                plan = SECOND
                started(store, SECOND, digest="d2")
            if kill == KILLS - 12:
                members.fail(0.5)
            members.join(plan)
        wait_for(lambda: check().status == "rolled_back")
        last = [members.join(SECOND) for _ in range(2)]
        for participant in last:
            wait_for(lambda p=participant: any(v.status == "rolled_back" for v in p.seen()))
        victims(members, store, at_work=True)
    state = check()
    assert state.tombstone_of("d2") is not None
    assert state.generation == len(store.history(limit=1_000))
    assert actions(store) == [
        *("start", "advance", "advance", "advance", "complete"),
        *("start", "rollback"),
    ]
    added = [crowd.traced(store, number) for number in range(1, members._number + 1)]
    assert all(total == n * (n + 1) // 2 for n, total in added), added
    assert sum(n > 0 for n, _ in added) > KILLS // 2
    print(f"{KILLS} kills in {time.monotonic() - began:.0f} s, {sum(n for n, _ in added)} batches")

    person(store, commands.clear, digest="d2")
    started(store, SECOND, digest="d2")
    one = Member(SECOND, store)
    one.start()
    try:
        wait_for(lambda: one.view.generation)
        assert one.view.table.weight_bp == 3_000
        assert read_epoch(store, one.view.epoch, time.time()).candidate.total == Counts()
    finally:
        one.close()


def victims(members, store, *, at_work):
    """at_work: those that have sent a batch, however long a busy machine takes to start one."""
    from benchmarks.crowd import traced

    def sending():
        return [one for one in members.alive if traced(store, one.number)[0]]

    if at_work:
        wait_for(sending)
    return sending() if at_work else members.alive


def wait_for(said, timeout_s=300.0):
    deadline = time.monotonic() + timeout_s
    while not said():
        assert time.monotonic() < deadline
        time.sleep(0.02)
