"""What the report recommends, and what it says against it: no data is never success."""

import time

import pytest
from desk import refused
from gate import DISPUTES, WHERE, Gate

from ocr_rollout.core import commands
from ocr_rollout.core.counts import Counts, Pairs
from ocr_rollout.stores import Sample


@pytest.fixture
def gate(tmp_path):
    return Gate(tmp_path).started()


def reviewed(gate, stable=(90, 10), candidate=(92, 8)):
    gate.lines("stable", *stable)
    gate.lines("candidate", *candidate)
    return gate


def test_all_well_and_checked_may_go_on(gate):
    said, points = reviewed(gate.waiting()).told()
    assert said == "go"
    assert {"good/proved", "good/passed", "unknown/reviews_unknown", "unknown/no_shadow"} <= points
    assert not any(point.endswith("*") for point in points)


def test_a_gate_at_which_nobody_checked_a_text_is_held(gate):
    """Errors and latency pass, and say nothing of whether the texts are right."""
    assert gate.waiting().state.status == "waiting"
    said, points = gate.told()
    assert (said, "unknown/texts_unknown*" in points) == ("hold", True)
    gate.lines("stable", 20, 9)
    gate.lines("candidate", 20, 9)
    said, points = gate.told()
    assert (said, "unknown/texts_few*" in points) == ("hold", True)
    gate.lines("stable", 1, 0)
    gate.lines("candidate", 1, 0)
    assert gate.told()[0] == "go"


def test_a_phase_under_way_is_held_and_says_what_it_lacks(gate):
    gate.counted("candidate", Counts.of("ok", 50.0, 20))
    document = reviewed(gate).gives()
    assert document["decision"]["recommendation"] == "hold"
    missing = [p["said"] for p in document["decision"]["points"] if p["key"] == "missing"]
    assert any("samples 20 of 100" in line for line in missing)
    assert any("watched 0 s of 1 min" in line for line in missing)


def test_nothing_counted_is_said_loudly(gate):
    said, points = gate.told()
    assert said == "hold"
    assert {"unknown/nothing_counted*", "unknown/texts_unknown*"} <= points
    assert not any(point.startswith("good/") for point in points)


def test_what_the_judge_takes_back_is_to_be_taken_back(gate):
    """Also where reviews are good, and although no client has written it yet."""
    reviewed(gate.waiting())
    gate.counted("candidate", Counts.of("server_error", 0.0, 100))
    document = gate.gives()
    decision = document["decision"]
    assert decision["recommendation"] == "back"
    first = decision["points"][0]
    assert (first["side"], first["key"], first["blocks"]) == ("against", "tripped", True)
    assert "100 of 300 are faults" in first["said"] or "are errors" in first["said"]


def test_stable_that_fails_as_well_blames_nobody(gate):
    reviewed(gate.waiting())
    for arm in ("stable", "candidate"):
        gate.counted(arm, Counts.of("server_error", 0.0, 300))
    said, points = gate.told()
    assert (said, "against/common_cause*" in points) == ("hold", True)


@pytest.mark.parametrize(
    ("stable", "candidate", "said", "point"),
    [
        ((95, 5), (60, 40), "hold", "against/reviews_against*"),
        ((60, 40), (95, 5), "go", "good/reviews_good"),
        ((80, 20), (78, 22), "go", "unknown/reviews_unknown"),
    ],
)
def test_reviews_speak(gate, stable, candidate, said, point):
    found = reviewed(gate.waiting(), stable, candidate).told()
    assert (found[0], point in found[1]) == (said, True)


def test_disputes_speak_too(gate):
    gate.waiting()
    gate.counted("pairs", Pairs(1_000, equal=900, distance_milli=20_000))
    for k in range(40):
        gate.pair("right", f"wrong {k}", truth="right")
    said, points = gate.told()
    assert (said, "against/disputes_against*" in points) == ("hold", True)


def test_an_ab_test_speaks_where_nobody_has_reviewed(gate, ab_test):
    """Lines read on purpose are texts that were checked; a worse candidate is held for them."""
    gate.waiting()
    good, bad = ("abcdef", "abxdef", "abcdef"), ("abcdef", "abcdef", "xxxdef")
    alike = ("abcdef", "abcdef", "abcdef")
    for rows, rest, said, point in (
        ([good] * 20 + [alike] * 40, {}, "go", "good/ab_good"),
        ([bad] * 20 + [alike] * 40, {}, "hold", "against/ab_against*"),
        ([bad, *[alike] * 59], {}, "go", "unknown/ab_unknown"),
        ([bad, *[alike] * 59], {"allowed": 0.001}, "hold", "against/ab_against*"),
        ([good] * 10 + [alike] * 19, {}, "hold", "unknown/texts_few*"),
        ([alike] * 60, {"unread": 3}, "go", "unknown/ab_partial"),
    ):
        found = gate.told("--ab", ab_test(rows, **rest))
        assert (found[0], point in found[1]) == (said, True), found


def test_a_kind_that_got_worse_is_named_though_all_together_is_better(gate):
    gate.waiting()
    for role, share in (("stable", (38, 2)), ("candidate", (20, 20))):
        gate.lines(role, *share, kind="receipt")
    for role, share in (("stable", (20, 80)), ("candidate", (90, 10))):
        gate.lines(role, *share, kind="print")
    document = gate.gives()
    worse = [p for p in document["decision"]["points"] if p["key"] == "kind_worse"]
    assert [point["values"]["kind"] for point in worse] == ["receipt"]
    thin = next(p for p in document["decision"]["points"] if p["key"] == "kinds_thin")
    assert "handwriting 0" in thin["said"]
    assert "print" not in thin["said"]


def test_a_margin_that_is_not_kept_for_sure_is_said(tmp_path):
    gate = Gate(tmp_path, "{review: {min_reviewed: 10, margin: 0.02}}").started()
    assert "unknown/margin" in reviewed(gate, (80, 20), (79, 21)).waiting().told()[1]


def test_a_paused_rollout_is_held(gate):
    reviewed(gate.waiting())
    gate.change(lambda state: commands.pause(state, by="ann", reason="texts", at_s=time.time()))
    said, points = gate.told()
    assert (said, "against/paused*" in points) == ("hold", True)


def test_another_plan_than_the_one_under_way_is_held(gate):
    reviewed(gate.waiting())
    gate.file.write_text(gate.file.read_text("utf-8").replace("crnn:3", "crnn:4"), "utf-8")
    document = gate.gives()
    assert document["decision"]["recommendation"] == "hold"
    assert document["decision"]["question"]["gate"] is None
    assert any(p["key"] == "other_plan" for p in document["decision"]["points"])


def test_what_has_ended_asks_for_nothing(gate):
    reviewed(gate.waiting())
    gate.change(
        lambda state: commands.rollback(state, by="ann", reason="amounts", at_s=time.time())
    )
    document = gate.gives()
    assert document["decision"]["recommendation"] == "none"
    shown = gate.run("report", "--out", gate.file.parent / "out")
    assert "rolled back" in shown.stdout
    assert "amounts" in shown.stdout


def test_old_figures_are_called_old(gate):
    gate.counted("candidate", Counts.of("ok", 50.0, 200), time.time() - 5 * 3_600)
    _, points = gate.told()
    assert "unknown/old" in points


def test_the_question_names_both_shares_and_the_last_gate_all_of_the_traffic(gate):
    gate.past_the_first_gate()
    asked = gate.gives()["decision"]["question"]
    assert (asked["gate"], asked["gates"], asked["from_bp"], asked["to_bp"]) == (2, 3, 3_000, 9_800)
    plan = gate.plan
    gate.hour()
    assert gate.look().status == "waiting"
    gate.change(lambda state: commands.approve(plan, state, by="b", note="", at_s=time.time()))
    asked = gate.gives()["decision"]["question"]
    assert (asked["gate"], asked["last"], asked["to_bp"]) == (3, True, 10_000)


def test_the_last_gate_and_what_came_since_are_told(gate):
    gate.line("stable", "right", "right")
    gate.past_the_first_gate()
    gate.counted("candidate", Counts.of("ok", 50.0, 30))
    gate.line("candidate", "right", "right")
    gate.pair("right", "wrong", truth="right")
    since = gate.gives()["since"]
    assert (since["gate"]["who"], since["gate"]["why"]) == ("ben", "fine")
    assert since["before"]["arms"]["candidate"]["requests"] == 200
    assert (since["before"]["phase"], since["before"]["weight_bp"]) == (1, 1_000)
    assert since["reviewed"] == 2


def test_disagreements_are_of_this_rollout_and_each_pair_of_texts_comes_once(gate):
    for stable, candidate in (("abcd", "abxd"), ("abcd", "abxd"), ("ab", "xy")):
        gate.pair(stable, candidate)
    gate.pair("of another", "rollout", where=f"reviews/other/{WHERE[-16:]}")
    gate.pair("abcd", "abxd", truth="abcd")
    found = gate.gives()["disagreements"]
    assert found["kept"] == 4
    assert [(one["candidate_text"], one["times"]) for one in found["worst"]] == [
        ("xy", 1),
        ("abxd", 3),
    ]
    assert found["worst"][1]["truth"] == "abcd"
    assert len(gate.gives("--disagreements", 1)["disagreements"]["worst"]) == 1


def test_differences_of_which_nothing_was_kept_are_not_known(gate):
    gate.counted("pairs", Pairs(100, equal=90, distance_milli=2_000))
    assert "unknown/no_disputes" in gate.told()[1]
    gate.pair(*DISPUTES[0][1:3])
    assert "unknown/no_pictures" in gate.told()[1]


def test_a_sample_of_a_newer_version_is_said(gate):
    gate.pair("a", "b")
    at_s = time.time()
    newer = Sample("newer", at_s, at_s + 1e6, {"schema": 99}, kind="pair")
    assert gate.store.put_sample(newer)
    document = gate.gives()
    said = [p["said"] for p in document["decision"]["points"] if p["key"] == "unreadable"]
    assert "newer version" in said[0]
    assert document["decision"]["recommendation"] == "hold"


def test_what_is_left_out_on_request_is_not_called_lost(gate):
    gate.counted("pairs", Pairs(100, equal=90, distance_milli=2_000))
    gate.pair("a", "b")
    assert "unknown/no_disputes" not in gate.told("--disagreements", 0)[1]


def test_a_plan_without_a_limit_of_errors_is_pointed_out(tmp_path):
    gate = Gate(tmp_path, "{errors: 1}").started()
    said, points = reviewed(gate.waiting()).told()
    assert (said, "unknown/no_limit" in points) == ("go", True)
    assert gate.run("report", "--out", tmp_path / "out").exit_code == 0
    assert "NOT KNOWN: nothing was counted, or no number of errors is too many" in (
        tmp_path / "out/report.html"
    ).read_text(encoding="utf-8")


def test_a_plan_that_freezes_asks_for_the_rollback_by_hand(tmp_path):
    gate = Gate(tmp_path, "{}\n  on_failure: freeze").started()
    reviewed(gate.waiting())
    gate.counted("candidate", Counts.of("server_error", 0.0, 100))
    assert gate.look().status == "frozen"
    assert gate.told()[0] == "back"
    shown = gate.run("report", "--out", tmp_path / "out").stdout
    assert "order the rollback by hand" in shown


def test_without_a_rollout_one_line_says_so(tmp_path):
    gate = Gate(tmp_path)
    refused(gate.run("report", "--out", tmp_path / "out"), "no rollout was started in")
    assert not (tmp_path / "out").exists()
    gate.file.write_text("triton: {urls: ['127.0.0.1:9']}\n", "utf-8")
    refused(gate.run("report", "--out", tmp_path / "out"), "no rollout is configured")


def test_a_store_that_is_gone_is_one_line_and_replaces_nothing(gate, tmp_path):
    out = tmp_path / "out"
    assert gate.run("report", "--out", out).exit_code == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    gate.db.write_bytes(b"no database at all" * 100)
    refused(gate.run("report", "--out", out), "rollout.db")
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
