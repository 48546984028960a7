"""What the `review` rule does to a rollout: nothing unless asked, then as much as was asked."""

from __future__ import annotations

import pytest

from ocr_rollout.core.controller import look
from ocr_rollout.core.counts import Counts, Pairs
from ocr_rollout.core.evidence import Evidence
from ocr_rollout.core.fields import FieldError
from ocr_rollout.core.limits import Limits, ReviewLimits
from ocr_rollout.core.plan import Phase, Plan, parse
from ocr_rollout.core.reviews import Disputes, Lines, Reviews
from ocr_rollout.core.routing import Arm
from ocr_rollout.core.state import RolloutState
from ocr_rollout.core.windows import Series

STABLE, CANDIDATE = Arm("convnext", 1), Arm("crnn", 1)
GOOD = Series(Counts.of("ok", 20.0, 500))


def lines(n: int, right: int) -> Lines:
    return Lines(n, right, n - right, 10 * n)


def seen(review: ReviewLimits | None, reviews: Reviews, mode="confirmed", pairs=None):
    plan = Plan("r", STABLE, CANDIDATE, (Phase(1_000),), limits=Limits(mode=mode, review=review))
    state = RolloutState(
        generation=1,
        epoch=1,
        status="running",
        rollout_id="r",
        stable=str(STABLE),
        candidate=str(CANDIDATE),
        digest="d",
        weight_bp=1_000,
    )
    evidence = Evidence(GOOD, GOOD, pairs=pairs or Series(Pairs()), watched_s=1e6, reviews=reviews)
    return look(plan, state, evidence, 1e6)


ALIKE = Reviews({"print": lines(2_000, 1_900)}, {"print": lines(2_000, 1_900)})
WORSE = Reviews({"print": lines(300, 280)}, {"print": lines(300, 150)})
FEW = Reviews({"print": lines(9, 9)}, {"print": lines(7, 7)})
UNSURE = Reviews({"print": lines(150, 140)}, {"print": lines(150, 139)})


def rules(found):
    return [verdict.rule for verdict in found.judgement.verdicts]


@pytest.mark.parametrize("reviews", [Reviews(), WORSE, FEW])
def test_nobody_is_waited_for_unless_asked(reviews):
    """Without limits.review there is no such rule, whatever people found."""
    found = seen(None, reviews)
    assert "review" not in rules(found)
    assert found.missing == ()
    assert found.transition.state.status == "waiting"


def test_too_few_reviews_are_missing_at_the_gate():
    """Advisory or binding, and it says how many."""
    for binding in (False, True):
        found = seen(ReviewLimits(100, 0.05, binding), FEW)
        assert found.missing == ("review: 7 of 100 lines are reviewed, of each arm or in dispute",)
        assert found.transition is None


def test_an_advisory_finding_is_shown_and_left_to_people():
    """Even one that is bad for sure: it is the gate's."""
    found = seen(ReviewLimits(100, 0.05), WORSE)
    verdict = next(v for v in found.judgement.verdicts if v.rule == "review")
    assert verdict.status == "FAIL"
    assert verdict.observed == pytest.approx(280 / 300 - 150 / 300)
    assert found.judgement.trip is None
    assert found.missing == ()
    assert found.transition.state.status == "waiting"


def test_a_binding_finding_takes_the_candidate_back():
    found = seen(ReviewLimits(100, 0.05, binding=True), WORSE)
    assert found.judgement.trip.rule == "review"
    assert found.transition.state.status == "rolled_back"
    assert found.transition.audit.rule == "review"
    assert "stable 280 of 300 lines right; candidate 150 of 300" in found.transition.audit.why


def test_in_literal_mode_only_the_sentence_takes_back():
    found = seen(ReviewLimits(100, 0.05, binding=True), WORSE, mode="literal")
    assert found.judgement.trip is None
    assert found.transition is None  # but the phase is not left either
    assert found.missing[0].startswith("review: ")


def test_a_binding_phase_waits_for_proof_of_the_margin():
    """Enough lines, no difference to be seen, and yet it may be 5 % worse."""
    limits = ReviewLimits(100, 0.05, binding=True)
    found = seen(limits, UNSURE)
    assert found.transition is None
    assert "could be chance either way" in found.missing[0]
    assert seen(ReviewLimits(100, 0.05), UNSURE).missing == ()
    assert seen(limits, ALIKE).transition.state.status == "waiting"


def test_senseless_counts_are_an_error_and_hold_the_phase():
    """More right than there are lines."""
    found = seen(ReviewLimits(1), Reviews({"print": lines(3, 5)}, {"print": lines(9, 9)}))
    verdict = next(v for v in found.judgement.verdicts if v.rule == "review")
    assert verdict.status == "ERROR"
    assert found.transition is None


def test_disputes_count_as_reviewed_lines():
    """Who checks one has read both texts."""
    pairs = Series(Pairs(both_fine=5_000, equal=4_975))
    found = seen(
        ReviewLimits(20, 0.02, binding=True),
        Reviews(disputes={"scan": Disputes(20, 9, 9)}),
        pairs=pairs,
    )
    assert found.missing == ()


def plan_with(document) -> Plan:
    return parse({"id": "r", "limits": document}, stable=STABLE, candidate=CANDIDATE)


def test_the_section_of_a_plan():
    """Off when it is not there; what is left out has a default."""
    assert plan_with({}).limits.review is None
    assert plan_with({"review": None}).limits.review is None
    assert plan_with({"review": {}}).limits.review == ReviewLimits(100, 0.02, binding=False)
    full = plan_with({"review": {"min_reviewed": 30, "margin": 0.1, "binding": True}})
    assert full.limits.review == ReviewLimits(30, 0.1, binding=True)
    assert full.to_dict()["limits"]["review"]["binding"] is True


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"min_reviewed": 0}, "rollout.limits.review.min_reviewed: 0 is not accepted"),
        ({"margin": 0}, "rollout.limits.review.margin: 0 is not accepted"),
        ({"margin": 0.6}, "at most 0.5"),
        ({"binding": "yes"}, "true or false"),
        ({"margins": 0.1}, "did you mean margin?"),
        (3, "is not a mapping"),
    ],
)
def test_mistakes_in_it_are_refused(section, said):
    with pytest.raises(FieldError, match=said.replace("?", r"\?")):
        plan_with({"review": section})
