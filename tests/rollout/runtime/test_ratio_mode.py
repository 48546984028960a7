"""`model_routing` alone: a ratio that starts itself, and the automatic rollback that goes with it."""

import dataclasses

import pytest
from rollout_members import (
    ARMS,
    NOW_S,
    PLAN,
    Clock,
    Troubled,
    actions,
    count,
    member,
    person,
    started,
    tick,
)

from ocr_rollout.core import commands
from ocr_rollout.core.plan import Phase, Plan
from ocr_rollout.core.routing import Arm
from ocr_rollout.runtime.transitions import read_state
from ocr_rollout.stores import MemoryStore


def ratio(share_bp=1_000, candidate=ARMS[1]):
    return Plan("salt", ARMS[0], candidate, phases=(Phase(share_bp),), holdout_bp=0)


def of_ratio(store, plan=None, **options):
    return member(store, plan or ratio(), autostart=True, **options)


def replan(one, plan, *, enabled=True):
    one.replan(plan, enabled=enabled, check_interval_s=60.0)


def test_a_ratio_starts_itself_under_the_name_of_the_configuration():
    store = MemoryStore()
    one = of_ratio(store)
    tick(one)
    assert one.view.table.weight_bp == 1_000
    (entry,) = [recorded.entry.document for recorded in store.history()]
    assert (entry["who"], entry["action"]) == ("config", "start")
    assert read_state(store).digest == "crnn:1"
    tick(one)
    assert actions(store) == ["start"]


def test_a_bad_candidate_falls_back_to_zero_and_stays_there():
    """Not even a restart, or another ratio, brings it back; clearing it does."""
    store = MemoryStore()
    one = of_ratio(store)
    tick(one)
    count(one, 0, 20)
    tick(one)
    tick(one)
    assert (actions(store), one.view.table.weight_bp) == (["start", "rollback"], 0)
    again = of_ratio(store)
    replan(one, ratio(5_000))
    tick(one, again)
    assert actions(store) == ["start", "rollback"]
    person(store, commands.clear, digest="crnn:1")
    tick(again)
    assert actions(store) == ["start", "rollback", "clear", "start"]


def test_another_candidate_begins_anew_after_a_rollback():
    store = MemoryStore()
    one = of_ratio(store)
    tick(one)
    count(one, 0, 20)
    tick(one)
    replan(one, ratio(candidate=Arm("crnn", 2)))
    tick(one)
    assert (read_state(store).candidate, one.view.table.weight_bp) == ("crnn:2", 1_000)


@pytest.mark.parametrize(
    "plan", [ratio(3_000), ratio(500), ratio(candidate=Arm("crnn", 2))], ids=str
)
def test_a_changed_configuration_restarts_with_fresh_counts(plan):
    store = MemoryStore()
    one = of_ratio(store)
    tick(one)
    count(one, 90, 1)
    tick(one)
    replan(one, plan)
    tick(one)
    assert actions(store) == ["start", "restart"]
    assert (one.view.table.weight_bp, one.view.epoch) == (plan.weight_bp(0), 2)
    assert one.view.table.candidate == plan.candidate


def test_other_changes_of_the_file_leave_the_rollout_alone():
    store = MemoryStore()
    one = of_ratio(store)
    tick(one)
    one.replan(ratio(), enabled=True, check_interval_s=5.0)
    tick(one)
    assert actions(store) == ["start"]


def test_switched_off_and_on_again_nothing_begins_anew():
    store = MemoryStore()
    one = of_ratio(store)
    tick(one)
    replan(one, ratio(), enabled=False)
    assert one.view.table.candidate is None, "at once, not at the next look"
    tick(one)
    replan(one, ratio())
    assert one.view.table.weight_bp == 1_000
    tick(one)
    assert actions(store) == ["start"]


def test_switched_off_from_the_beginning_nothing_is_started():
    store = MemoryStore()
    tick(of_ratio(store, enabled=False))
    assert store.state() is None


def test_two_processes_with_different_files_do_not_fight():
    """Whoever read its configuration last has its way, once."""
    store, clock = MemoryStore(), Clock()
    old, new = of_ratio(store, clock=clock), of_ratio(store, ratio(3_000), clock=clock)
    for _ in range(5):
        tick(old, new)
        clock.now_s += 1
    assert actions(store) == ["start", "restart"]
    assert {one.view.table.weight_bp for one in (old, new)} == {3_000}


def test_a_share_set_by_hand_outlives_a_restart_but_not_a_new_ratio():
    store = MemoryStore()
    one = of_ratio(store)
    tick(one)
    person(
        store, lambda state, **n: commands.set_weight(ratio(), state, weight_bp=2_000, note="", **n)
    )
    again = of_ratio(store)
    tick(again)
    assert again.view.table.weight_bp == 2_000
    replan(again, ratio(700))
    tick(again)
    assert again.view.table.weight_bp == 700


def test_a_rollout_by_plan_is_never_taken_over_by_a_ratio():
    """A process with an old file on the same store waits, at weight 0."""
    store = MemoryStore()
    started(store, PLAN)
    one = of_ratio(store)
    tick(one)
    replan(one, ratio(4_000))
    tick(one)
    assert (actions(store), one.view.table.weight_bp) == (["start"], 0)


def test_a_promoted_candidate_keeps_all_of_the_traffic():
    """A person approved it; the ratio in the file no longer counts."""
    store, clock = MemoryStore(), Clock()
    one = of_ratio(store, clock=clock)
    tick(one)
    count(one, 300)
    tick(one)
    clock.now_s += 60
    tick(one)
    assert actions(store) == ["start", "wait"]
    person(store, lambda state, **n: commands.approve(ratio(), state, note="fine", **n))
    for _ in range(3):
        tick(one)
    tick(of_ratio(store, ratio(2_000)))
    assert actions(store)[-1] == "complete"
    assert one.view.table.weight_bp == 10_000


def test_a_store_that_is_down_at_the_start_only_delays_it():
    store = Troubled()
    store.down = True
    one = of_ratio(store)
    with pytest.raises(Exception, match="it is down"):
        tick(one)
    assert one.view.table.weight_bp == 0
    store.down = False
    tick(one)
    assert one.view.table.weight_bp == 1_000


def test_an_answer_that_was_lost_starts_nothing_twice():
    store = Troubled()
    one = of_ratio(store)
    store.mute = True
    with pytest.raises(Exception, match="before the answer"):
        tick(one)
    store.mute = False
    tick(one)
    tick(one)
    assert actions(store.store) == ["start"]


def test_the_threshold_of_the_file_is_the_limit_of_the_judge():
    """`auto_rollback_threshold` 0.5: thirty per cent errors are let pass."""
    lax = ratio()
    lax = dataclasses.replace(lax, limits=dataclasses.replace(lax.limits, errors=0.5))
    store, clock = MemoryStore(), Clock(NOW_S)
    one = of_ratio(store, lax, clock=clock)
    tick(one)
    count(one, 210, 90)
    tick(one)
    assert actions(store) == ["start"]
