"""The soak's books notice what they are there for, and a run of seconds leaves nothing behind."""

from __future__ import annotations

import collections
import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ocr_rollout.core.routing import Arm
from ocr_rollout.core.state import AuditEntry

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.soak import schedule
from benchmarks.soak.answers import MadeArm, expected, number
from benchmarks.soak.ledger import Ledger
from benchmarks.soak.reckoning import Found, in_words, rollbacks, sections, unaccounted
from benchmarks.soak.stage import Episode, Injected
from benchmarks.soak.stores import Kept
from benchmarks.soak.watching import Look, course

COUNTS = {"1/stable ok": 30, "1/candidate ok": 20, "1/candidate timeout": 2}


def ledger(**values):
    """Of a client that was asked 50 times, and whose books balance."""
    by = {"convnext:1 stable_range": 30, "crnn:1 candidate_range": 20}
    made = Ledger(begun=52, answered=50, failed=2)
    made.by, made.recorded = collections.Counter(by), collections.Counter(COUNTS)
    for name, value in values.items():
        setattr(made, name, value)
    return made


def rollback(rollout, at_s=1_000.0, rule="late"):
    return AuditEntry(
        at_s,
        "judge",
        "rollback",
        "why",
        2,
        rollout,
        "crnn:1",
        "running",
        "rolled_back",
        0,
        0,
        1,
        0,
        rule,
    )


def found(one, *, counts=COUNTS, history=(), episodes=(), hurt=(), left=()):
    kept = Kept(collections.Counter(counts), list(history))
    return Found({"sqlite": ([one], kept)}, (), episodes, hurt, (), (), 0, left, (), 52, 0, 1.0)


def missed(result):
    return [row.name for section in sections(result) for row in section.rows if row.met is False]


def test_books_that_balance_are_good():
    assert missed(found(ledger())) == []


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"open": 1}, "lost"),
        ({"twice": 1}, "answered twice"),
        ({"strange": 1}, "another request's answer"),
        ({"wrong_text": 1}, "another request's answer"),
        ({"wrong_arm": 1}, "another arm's answer"),
        ({"unclear": 1}, "errors that are no clear line"),
        ({"late": 1}, "later than the deadline + 100 ms"),
        ({"begun": 51}, "requests"),
    ],
)
def test_each_thing_that_must_not_be_is_missed_by_its_name(values, name):
    assert missed(found(ledger(**values))) == [name]


def test_an_outcome_that_the_store_lacks_is_lost_unless_a_client_says_where_it_is():
    fewer = Kept(collections.Counter({**COUNTS, "1/stable ok": 28}), [])
    assert unaccounted([ledger()], fewer) == (2, 0)
    assert unaccounted([ledger(repeats=1, dropped=1)], fewer) == (0, 0)


def test_an_outcome_that_nobody_recorded_is_invented():
    more = Kept(collections.Counter({**COUNTS, "2/stable ok": 1}), [])
    assert unaccounted([ledger()], more) == (0, 1)
    assert unaccounted([ledger(repeats=3)], Kept(collections.Counter(COUNTS), [])) == (0, 3)


def test_a_rollback_is_false_unless_its_candidate_was_bad_or_was_hit_alone():
    """Latency is looked at ten minutes back, everything else a minute and a half."""
    history = [
        rollback("bad-1"),
        rollback("good"),
        rollback("good", 1_300.0),
        rollback("good", 1_300.0, "latency"),
    ]
    episodes = [Episode("sqlite", "bad-1", "crnn:11", 3.0)]
    result = found(
        ledger(), history=history, episodes=episodes, hurt=[(900.0, 950.0, "its stub was killed")]
    )
    sorted_ = rollbacks(result)
    assert {kind: len(entries) for kind, entries in sorted_.items()} == {
        "true": 1,
        "own": 2,
        "false": 1,
    }
    assert missed(result) == ["false rollbacks"]


def test_a_rollback_written_by_a_clock_that_had_jumped_is_judged_by_the_right_time():
    hurt, jumps = [(900.0, 950.0, "its stub was killed")], [(960.0, 966.0, 3_600.0)]
    entry = rollback("good", 964.0 + 3_600)
    result = found(ledger(), history=[entry], hurt=hurt)
    assert [len(those) for those in rollbacks(result).values()] == [0, 0, 1]
    result = dataclasses.replace(result, jumps=jumps)
    assert [len(those) for those in rollbacks(result).values()] == [0, 1, 0]


def test_a_false_rollback_says_when_it_was_and_what_was_just_broken():
    faults = [
        Injected(1, "network slow", 10.0, 3.0, "for 3 s", done=True),
        Injected(2, "triton killed", 55.0, 2.0, "", done=True),
    ]
    result = dataclasses.replace(
        found(ledger(), history=[rollback("good", 1_060.0)]), faults=faults, began_at_s=1_000.0
    )
    (entry,) = rollbacks(result)["false"]
    assert in_words(result, *entry) == "sqlite, 1.0 min: why; triton killed 5 s before"


def test_a_bad_candidate_that_stays_and_a_process_that_is_left_are_missed():
    result = found(ledger(), episodes=[Episode("sqlite", "bad-1", "crnn:11", None)], left=["x"])
    assert missed(result) == ["bad candidates not taken back", "processes left"]


def test_memory_is_compared_among_processes_that_are_old_enough():
    """One that was just started again has not taken what it needs, and says nothing."""
    looks = [Look(float(at), float(at), 7, 100 + (at > 80) * 10, 20) for at in range(100)]
    assert course("client", looks).growth == pytest.approx(0.1)
    young = [Look(float(at), 1.0, at, 100, 20) for at in range(100)]
    assert course("triton", young).growth is None


def test_a_seed_makes_the_same_schedule_with_all_kinds_alike():
    kinds = tuple(schedule.KINDS)
    planned = schedule.plan(3 * len(kinds), 600.0, 1, kinds)
    assert planned == schedule.plan(3 * len(kinds), 600.0, 1, kinds)
    assert planned != schedule.plan(3 * len(kinds), 600.0, 2, kinds)
    assert set(collections.Counter(one.kind for one in planned).values()) == {3}
    assert [one.at_s for one in planned] == sorted(one.at_s for one in planned)


@pytest.mark.parametrize("kind", ["healthy", "raises", "empty", "garbage"])
def test_the_graphs_answer_what_the_arithmetic_says(kind):
    """So a wrong answer is the server's or the client's, and not the soak's."""
    onnxruntime = pytest.importorskip("onnxruntime")
    from benchmarks.soak.graphs import graph

    made = MadeArm(Arm("crnn", 3), kind, 0.5)
    session = onnxruntime.InferenceSession(
        graph(made).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    told = []
    for seed in range(20):
        pixels = np.random.default_rng(seed).integers(0, 256, (1, 1, 32, 96), np.uint8)
        try:
            codes = session.run(["codepoints"], {"image": pixels})[0][0]
        except onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument:
            told.append(None)
        else:
            told.append("".join(chr(code) for code in codes if code))
        assert told[-1] == expected(made, number(pixels[0]))
    assert len(set(told)) > 5


@pytest.mark.slow
@pytest.mark.server
def test_a_soak_of_seconds_balances(tmp_path):
    """Real servers, stores and clients; how fast they are is not looked at."""
    kinds = ["stub killed", "network truncated", "sqlite file away", "config rewritten badly"]
    kinds += ["clock jumped", "candidate goes bad"]
    out = tmp_path / "soak.json"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.soak", "--quick", "--minutes", "0.25"),
            *("--requests", "400", "--faults", "6", "--json", str(out), "--kinds", *kinds),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr
    document = json.loads(out.read_text(encoding="utf-8"))
    rows = {row["name"]: row for section in document["sections"] for row in section["rows"]}
    slow = {"requests", "faults injected", "later than the deadline + 100 ms"}
    slow |= {name for name in rows if name.endswith("memory")}
    assert [row for name, row in rows.items() if row["met"] is False and name not in slow] == []
    assert rows["requests"]["value"] > 50
    assert any(fault["done"] for fault in document["faults"])
