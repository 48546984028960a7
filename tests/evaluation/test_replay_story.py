"""What the rollout would have said, from what both arms have read."""

import json

import pytest
from made_replays import BROKEN, PHASES, UNREADABLE, answer, plan, reading, replay

from ocr_evaluation.replay.attempts import Attempt
from ocr_evaluation.replay.cli import exit_code
from ocr_evaluation.replay.result import said
from ocr_rollout.core.early import early
from ocr_rollout.core.limits import ReviewLimits
from ocr_rollout.core.plan import Phase


def rules(found):
    """The last verdict and where it tripped; the graver one of a rule that is asked twice."""
    return {r.verdict.rule: (r.verdict.status, r.tripped) for r in found.story.rulings}


def test_a_good_candidate_goes_through_all_phases_on_the_images_that_each_needs():
    """The times that somebody is to watch are left out, and a manual gate is approved at once."""
    found = replay([reading(k) for k in range(250)])
    assert (found.story.ending, found.story.at, found.status) == ("complete", 200, "PASS")
    assert [(s.first, s.left, s.samples) for s in found.story.stays] == [
        (1, 100, 100),
        (101, 200, 100),
    ]
    assert exit_code(found) == 0
    assert said(found) == "new:2 would have gone through all phases after 200 images."


def test_too_few_images_say_what_is_missing():
    found = replay([reading(k) for k in range(40)])
    assert (found.story.ending, found.status, exit_code(found)) == ("under_way", "INCONCLUSIVE", 4)
    assert found.story.stays[0].missing[0] == "samples 40 of 100"
    assert "40 images are too few: samples 40 of 100; proof" in said(found)
    assert found.story.stays[1].first is None


def test_enough_for_the_first_phase_is_enough_for_a_yes():
    found = replay([reading(k) for k in range(130)])
    assert (found.status, exit_code(found)) == ("PASS", 0)
    assert said(found).startswith("new:2 would have left phase 1; to leave phase 2, 130 images")


def test_a_candidate_that_fails_is_taken_back_at_the_image_that_the_judge_names():
    """The first at which `early` speaks, by its own function; then the others may still speak."""
    readings = [reading(k, BROKEN if k % 2 else None) for k in range(120)]
    found = replay(readings)
    faults = [made.candidate.fault is not None for _, made in readings]
    first = next(
        n for n in range(1, 121) if early(n, sum(faults[:n]), p0=0.05, alpha=0.01).status == "FAIL"
    )
    assert (found.story.ending, found.story.at) == ("roll_back", first)
    assert rules(found)["early"] == ("FAIL", first)
    assert first < rules(found)["late"][1] < rules(found)["share"][1]
    assert (found.status, exit_code(found)) == ("FAIL", 3)
    assert f"taken back after image {first}, in phase 1: early" in said(found)
    assert found.story.stays[0].samples == first, "what came after it is no phase's"
    assert {image.whose for image in found.failing} == {"candidate"}
    assert {image.candidate.why for image in found.failing} == {"new:2: it raised"}


def test_one_that_goes_bad_later_is_taken_back_in_the_phase_that_it_has_reached():
    found = replay([reading(k, BROKEN if k >= 150 else None) for k in range(200)])
    assert found.story.ending == "roll_back"
    assert found.story.stays[0].left == 100
    assert 150 < found.story.at < 165
    assert "in phase 2" in said(found)


def test_where_stable_fails_too_nobody_is_blamed():
    """Frozen, as in production; no failing image counts as the candidate's own."""
    found = replay([reading(k, BROKEN, BROKEN) for k in range(60)])
    assert (found.story.ending, found.status, exit_code(found)) == (
        "common_cause",
        "INCONCLUSIVE",
        4,
    )
    assert {image.whose for image in found.failing} == {"both"}
    assert (found.pairs.both_bad, found.pairs.candidate_only) == (60, 0)


def test_a_common_cause_that_ends_lets_the_rollout_go_on():
    found = replay([reading(k, *[BROKEN if k < 20 else None] * 2) for k in range(300)])
    assert found.story.thaws == 1
    assert found.story.stays[0].left is not None
    assert found.status == "PASS"


def test_an_image_that_nobody_can_read_never_counts_against_an_arm():
    half = [reading(k, *[UNREADABLE if k % 2 else None] * 2) for k in range(300)]
    found = replay(half)
    assert (found.status, found.unreadable) == ("PASS", 150)
    assert (found.candidate.counts.requests, found.candidate.counts.errors) == (150, 0)
    assert found.story.stays[0].left == 199, "the hundredth that could be read"
    assert {image.whose for image in found.failing} == {"image"}


def test_nothing_that_could_be_read_is_no_success():
    found = replay([reading(k, UNREADABLE, UNREADABLE) for k in range(5)])
    assert (found.status, exit_code(found)) == ("ERROR", 1)
    assert said(found) == "Nothing can be said: none of 5 images was read by new:2."


@pytest.mark.parametrize(
    ("bad", "rule", "why"),
    [
        (answer(""), "quality", "new:2: no text found"),
        (answer("\ufffd" * 9), "quality", "new:2: garbled (control 9, limit 0)"),
        (answer(ms=300.0), "latency_ratio", ""),
    ],
)
def test_empty_garbled_and_slow_answers_are_judged(bad, rule, why):
    readings = [reading(k, bad if k >= 120 and k % 2 else None) for k in range(300)]
    found = replay(readings, plan(phases=(Phase(1_000, 0.0, 1_000),)))
    assert found.story.ending == "roll_back"
    assert found.story.why.startswith(rule)
    assert {image.candidate.why for image in found.failing} == ({why} if why else set())


def test_blank_images_are_nobodys_fault():
    readings = [reading(k, *[answer("") if k % 3 == 0 else None] * 2) for k in range(300)]
    assert replay(readings).status == "PASS"


def test_how_sure_an_arm_usually_is_is_learnt_from_the_answers_before():
    """As in production: from the 500th on, half of what 99 % of its answers reach is too little."""
    readings = [reading(k, answer(confidence=0.3 if k in {10, 510} else 0.9)) for k in range(520)]
    found = replay(readings)
    (odd,) = found.failing
    assert (odd.name, odd.candidate.outcome) == ("510.png", "garbled")
    assert "confidence" in odd.candidate.why


def test_a_plan_that_freezes_on_failure_fails_as_well():
    found = replay([reading(k, BROKEN) for k in range(20)], plan(on_failure="freeze"))
    assert (found.story.ending, exit_code(found)) == ("freeze", 3)
    assert "frozen where it was" in said(found)


def test_in_literal_mode_the_share_alone_decides():
    readings = [reading(k, BROKEN if k % 4 == 0 else None) for k in range(150)]
    found = replay(readings, plan(mode="literal"))
    assert found.story.at == 100, "it asks for as many"
    assert found.story.why.startswith("share: ")
    assert rules(found)["early"][1] < 100, "shown all the same"


def test_labels_stand_for_reviewers_of_disputes():
    """With a binding review: no text known, no phase is left; right and wrong decide."""
    binding = plan(review=ReviewLimits(min_reviewed=10, margin=0.1, binding=True))
    other = answer("TOTAL 12.60")

    def read(k, truth):
        return reading(k, other if k % 3 == 0 else None, truth=truth)

    unknown = replay([read(k, None) for k in range(300)], binding)
    assert (unknown.story.stays[0].left, unknown.accuracy) == (None, None)
    wrong = replay([read(k, "TOTAL 12.50") for k in range(300)], binding)
    assert wrong.story.ending == "roll_back"
    assert wrong.story.why.startswith("review: ")
    right = replay([read(k, "ＴＯＴＡＬ 12.60") for k in range(300)], binding)
    assert right.story.stays[0].left is not None
    found = right.accuracy.all
    assert (found.disputes.pairs, found.disputes.candidate_only) == (100, 100)
    assert found.candidate.lines.value == pytest.approx(1 / 3)
    assert found.stable.lines.value == 0


def test_an_arm_that_failed_has_no_text_to_be_wrong():
    found = replay([reading(1, BROKEN, truth="TOTAL 12.50"), reading(2, truth="TOTAL 12.50")])
    assert found.accuracy.all.candidate.lines.n == 1


def test_the_worst_disagreements_come_first_and_good_ones_only():
    rows = [
        reading(1, answer("TOTAL 12.5O")),
        reading(2, answer("nothing alike")),
        reading(3, answer("")),
        reading(4, BROKEN),
        reading(5, answer("ＴＯＴＡＬ12.50")),
    ]
    found = replay(rows)
    assert [one.image for one in found.worst] == ["2.png", "1.png"]
    assert (found.pairs.both_fine, found.pairs.equal, found.pairs.candidate_only) == (3, 1, 2)


def test_latencies_are_of_what_was_answered_or_timed_out():
    late = Attempt(ms=5_000.0, fault="timeout", why="no answer within 5 s")
    rows = [reading(k, answer(ms=float(k + 1))) for k in range(99)]
    found = replay([*rows, reading(99, late), reading(100, BROKEN)])
    assert (found.candidate.timed, found.candidate.p50_ms) == (100, 50.5)
    assert found.stable.timed == 101


def test_a_replay_is_json_and_the_same_each_time():
    readings = [
        reading(k, BROKEN if k == 7 else answer("TOTAL 12.6"), truth="x") for k in range(30)
    ]
    one, other = (replay(readings).to_json() for _ in range(2))
    assert json.loads(json.dumps(one)) == json.loads(json.dumps(other))
    assert one["known_texts"]["disputes"]["pairs"] == 29
    assert one["arms"]["candidate"]["outcomes"] == {"ok": 29, "server_error": 1}
    assert len(one["rollout"]["phases"]) == len(PHASES)
