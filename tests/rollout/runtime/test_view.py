"""What a request may know of the rollout, and that nothing else can make it ask the candidate."""

import dataclasses

import pytest
from rollout_members import OTHER, PLAN

from ocr_rollout.core import commands
from ocr_rollout.core.controller import roll_back
from ocr_rollout.core.state import RolloutState
from ocr_rollout.runtime import view_of


def running(**changes):
    state = commands.start(PLAN, RolloutState(), digest="d1", by="ann", at_s=0.0).state
    return dataclasses.replace(state, **changes)


def test_a_state_of_this_plan_gives_the_candidate_its_weight():
    view = view_of(PLAN, running(), enabled=True)
    assert (view.table.weight_bp, view.table.candidate) == (3_000, PLAN.candidate)
    assert (view.rollout_id, view.salt, view.sticky) == ("r1", "r1", "user_image")
    assert (view.generation, view.epoch) == (1, 1)
    assert (view.follows, view.counting, view.shadowing) == (True, True, True)


@pytest.mark.parametrize(
    ("plan", "state"),
    [
        (PLAN, RolloutState()),
        (OTHER, running()),
        (dataclasses.replace(PLAN, rollout_id="r3"), running()),
        (dataclasses.replace(PLAN, stable=OTHER.candidate), running()),
        (PLAN, roll_back(running(), who="judge", why="bad", at_s=0.0).state),
    ],
    ids=["idle", "other plan", "other id", "other stable", "rolled back"],
)
def test_without_a_state_of_this_plan_the_candidate_is_not_in_the_table(plan, state):
    view = view_of(plan, state, enabled=True)
    assert view.table.weight_bp == 0
    assert view.table.candidate is None


def test_switched_off_it_is_out_whatever_the_state_says():
    for state in (running(), running(status="completed", weight_bp=10_000)):
        view = view_of(PLAN, state, enabled=False)
        assert (view.table.candidate, view.shadowing) == (None, False)


def test_a_completed_rollout_has_all_of_the_traffic():
    view = view_of(PLAN, running(status="completed", weight_bp=10_000), enabled=True)
    assert view.table.weight_bp == 10_000
    assert not view.shadowing, "there is nobody to be compared with"


def test_shadow_begins_before_the_rollout_and_ends_with_the_tombstone():
    """Evidence at weight 0, none from what was buried, none for another plan's rollout."""
    assert view_of(PLAN, RolloutState(), enabled=True).shadowing
    back = roll_back(running(), who="judge", why="bad", at_s=0.0).state
    assert not view_of(PLAN, back, enabled=True).shadowing
    buried = running(tombstones=back.tombstones)
    assert not view_of(PLAN, buried, enabled=True).shadowing
    assert not view_of(OTHER, running(), enabled=True).shadowing


def test_counts_never_go_into_another_plans_evidence():
    assert not view_of(OTHER, running(), enabled=True).counting
    assert view_of(OTHER, RolloutState(), enabled=True).counting
