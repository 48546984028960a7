"""One look of a process at the rollout, second by second on a made clock."""

import contextlib
import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rollout_members import (
    AUTO,
    LITERAL,
    NOW_S,
    OTHER,
    PLAN,
    Clock,
    Troubled,
    actions,
    count,
    healthy_stable,
    member,
    person,
    started,
    tick,
)

from ocr_rollout.core import commands
from ocr_rollout.core.counts import Pairs
from ocr_rollout.core.evidence import MARK_S
from ocr_rollout.core.windows import SHADOW, STABLE
from ocr_rollout.runtime.evidence import marks
from ocr_rollout.runtime.transitions import read_state
from ocr_rollout.stores import (
    CountBatch,
    CountDelta,
    LogEntry,
    MemoryStore,
    StoreReadOnlyError,
    StoreUnavailableError,
    StoreVersionError,
    Transition,
)
from ocr_rollout.stores.series import read_epoch

DAY_S = 86_400.0


def test_a_bad_candidate_is_taken_back_by_whoever_looks_first():
    """Counts of several processes together; the others take over what stands."""
    store, clock = MemoryStore(), Clock()
    started(store)
    members = [member(store, clock=clock) for _ in range(4)]
    tick(*members)
    assert {one.view.table.weight_bp for one in members} == {3_000}
    for k, one in enumerate(members):
        count(one, 2, 2, first=10 * k)
        count(one, 20, series=STABLE, first=100 * k)
    tick(*members)
    assert actions(store) == ["start", "rollback"]
    tick(*members)
    assert {one.view.state.status for one in members} == {"rolled_back"}
    assert {one.view.table.candidate for one in members} == {None}
    assert sum(one.health().commits for one in members) == 1
    (entry,) = [r.entry.document for r in store.history(after=1)]
    assert (entry["who"], entry["rule"], entry["samples"]) == ("judge", "early", 12)


def test_who_decides_on_old_news_takes_over_what_another_has_written():
    """Both see the same; the store lets one win, and nobody writes a second rollback."""
    store, clock = MemoryStore(), Clock()
    started(store)

    class Late(Troubled):
        """Lets the other process decide first, between our reading and our writing."""

        def __getattr__(self, name):
            if name == "commit" and actions(self.store) == ["start"]:
                tick(quick)
            return getattr(self.store, name)

    quick, slow = member(store, clock=clock), member(Late(store), clock=clock)
    tick(quick, slow)
    count(slow, 0, 20)
    tick(slow)
    assert actions(store) == ["start", "rollback"]
    assert (slow.health().commits, slow.health().lost) == (0, 1)
    assert slow.view.state.status == "rolled_back"


def test_a_good_candidate_goes_through_automatic_gates():
    """Dwell is counted in watched slots, over all processes together."""
    store, clock = MemoryStore(), Clock()
    started(store, AUTO)
    members = [member(store, AUTO, clock) for _ in range(3)]
    tick(*members)
    for k, one in enumerate(members):
        count(one, 60, first=100 * k)
    tick(*members)
    assert read_state(store).phase == 0
    step = next(one.health().step for one in members if one.health().step is not None)
    assert any("watched 0 s of 2 min" in line for line in step.missing)
    for _ in range(120 // MARK_S):
        clock.now_s += MARK_S
        tick(*members)
    assert actions(store) == ["start"]  # the first and the last slot may have been moments
    clock.now_s += 60  # when going on is looked at again
    tick(*members)
    assert actions(store) == ["start", "advance"]
    assert read_state(store).weight_bp == 6_000
    tick(*members)
    assert {one.view.table.weight_bp for one in members} == {6_000}


def test_advancing_is_looked_at_once_an_interval_and_rolling_back_each_second():
    store, clock = MemoryStore(), Clock()
    started(store, PLAN)
    one = member(store, PLAN, clock, check_interval_s=60)
    tick(one)
    count(one, 200)
    for _ in range(59):
        clock.now_s += 1
        tick(one)
    assert actions(store) == ["start"]
    clock.now_s += 1
    tick(one)
    assert actions(store) == ["start", "wait"]
    count(one, 0, 60, first=1_000)
    clock.now_s += 1
    tick(one)
    assert actions(store) == ["start", "wait", "rollback"]


def test_the_literal_rule_waits_for_its_interval():
    """`check_interval_seconds` is what the sentence says."""
    store, clock = MemoryStore(), Clock()
    started(store, LITERAL)
    one = member(store, LITERAL, clock, check_interval_s=30)
    tick(one)
    count(one, 100, 30)
    for _ in range(29):
        clock.now_s += 1
        tick(one)
    assert actions(store) == ["start"]
    clock.now_s += 1
    tick(one)
    assert actions(store) == ["start", "rollback"]


def test_stable_failing_too_freezes_and_thaws_by_itself():
    store, clock = MemoryStore(), Clock()
    started(store)
    one = member(store, clock=clock)
    tick(one)
    count(one, 10, 40)
    count(one, 10, 90, series=STABLE)
    tick(one)
    assert actions(store) == ["start", "freeze"]
    for _ in range(120 // MARK_S):
        clock.now_s += MARK_S
        tick(one)
    count(one, 100, series=STABLE, first=5_000)
    clock.now_s += 1
    tick(one)
    assert actions(store) == ["start", "freeze", "thaw"]
    assert one.view.table.weight_bp == 3_000


def test_pairs_and_shadow_attempts_take_part_in_the_verdict():
    """Also before exposure: at a share of 0 there is nothing else."""
    plan = dataclasses.replace(
        PLAN, phases=(dataclasses.replace(PLAN.phases[0], share_bp=0), *PLAN.phases)
    )
    store = MemoryStore()
    started(store, plan)
    one = member(store, plan)
    tick(one)
    assert (one.view.table.candidate, one.view.shadowing) == (None, True)
    count(one, 0, 12, series=SHADOW)
    for k in range(12):
        one.record_pair(one.view, Pairs(candidate_only=1), k)
    count(one, 20, series=STABLE)
    tick(one)
    assert actions(store) == ["start", "rollback"]


@pytest.mark.parametrize("jump_s", [DAY_S, -DAY_S, -40 * DAY_S, 7 * DAY_S])
def test_a_clock_that_jumps_skips_no_phase_and_stops_no_guard(jump_s):
    """A jump of a day is worth one watched slot, and the candidate is still taken back."""
    store, clock = MemoryStore(), Clock()
    plan = dataclasses.replace(
        AUTO, phases=(dataclasses.replace(AUTO.phases[0], min_dwell_s=3_600),)
    )
    started(store, plan)
    one = member(store, plan, clock, check_interval_s=60)
    tick(one)
    count(one, 300)
    healthy_stable(one)
    tick(one)
    for _ in range(10):
        clock.now_s += 1
        tick(one)
    clock.now_s += jump_s
    for _ in range(10):
        clock.now_s += 1
        tick(one)
        assert one.health().step is not None
    assert actions(store) == ["start"]
    assert any("watched" in line for line in one.health().step.missing)
    assert one._loop._reader.read(clock.now_s).watched_s <= 30
    count(one, 0, 100, first=2_000)
    count(one, 50, series=STABLE, first=2_000)
    clock.now_s += 1
    tick(one)
    assert actions(store) == ["start", "rollback"]


def test_a_clock_that_jumps_while_a_phase_has_all_it_needs_goes_on_once():
    """Either way makes a check due; one step is taken, none is skipped."""
    for jump_s in (DAY_S, -DAY_S):
        store, clock = MemoryStore(), Clock()
        started(store, PLAN)
        one = member(store, PLAN, clock)
        tick(one)
        count(one, 300)
        clock.now_s += jump_s
        for _ in range(5):
            clock.now_s += 1
            tick(one)
        assert actions(store) == ["start", "wait"]


def test_a_stopped_clock_divides_by_nothing():
    store, clock = MemoryStore(), Clock(0.0)
    started(store)
    one = member(store, clock=clock)
    for k in range(5):
        count(one, 10, first=10 * k)
        tick(one)
    assert one.health().step.judgement.trip is None
    assert one.health().store_ok


def test_another_plans_rollout_is_neither_joined_nor_judged_nor_written_over():
    store = MemoryStore()
    started(store, PLAN)
    stranger = member(store, OTHER)
    tick(stranger)
    assert (stranger.view.table.weight_bp, stranger.health().follows) == (0, False)
    count(stranger, 0, 100)
    before = store.state()
    for _ in range(3):
        tick(stranger)
    assert store.state() == before
    assert (actions(store), stranger.health().step) == (["start"], None)
    assert stranger.health().unsent == stranger.health().dropped == 0
    one = member(store, PLAN)
    tick(one)
    assert one.health().step.judgement.verdicts[0].samples == 0, "the stranger's are not counted"


def test_a_view_of_an_older_epoch_counts_into_its_own():
    """A request that began before the share was changed says nothing about the new share."""
    store = MemoryStore()
    started(store, PLAN)
    one = member(store)
    tick(one)
    old = one.view
    person(store, lambda state, **n: commands.set_weight(PLAN, state, weight_bp=500, note="", **n))
    tick(one)
    assert one.view.epoch == 2
    for k in range(50):
        one.record(old, "candidate", "server_error", 5.0, k)
    tick(one)
    assert actions(store) == ["start", "set-weight"]


@pytest.mark.parametrize(
    "document",
    [
        {"generation": 2, "schema": 99},
        {"generation": 2, "nonsense": True},
        {"generation": 2},
    ],
)
def test_a_state_of_a_newer_version_keeps_the_last_good_view_and_writes_nothing(document):
    store, clock = MemoryStore(), Clock()
    started(store)
    one = member(store, clock=clock)
    tick(one)
    good = one.view
    assert store.commit(Transition(1, document, LogEntry({"action": "unknown"}))).won
    count(one, 0, 30)
    before = store._size()
    tick(one)
    health = one.health()
    assert one.view is good
    assert "state: " in health.state_error
    assert "\n" not in health.state_error
    assert (store.state().document, store._size()) == (document, before)
    assert health.unsent == 30
    again = dataclasses.replace(good.state, generation=3, epoch=1).to_dict()
    assert store.commit(Transition(2, again, LogEntry({"action": "mended"}))).won
    tick(one)
    assert one.health().state_error == ""
    assert one.health().unsent == 0
    assert actions(store)[-1] == "rollback", "what was counted meanwhile counts"


def test_counts_of_a_newer_version_are_not_judged_and_the_view_still_follows():
    store = MemoryStore()
    started(store)
    one = member(store)
    tick(one)
    strange = CountDelta("1/candidate/total", 0, {"new_kind": 3}, int(NOW_S) + 10**6)
    store.add(CountBatch("newer", 1, NOW_S, [strange]))
    count(one, 0, 30)
    tick(one)
    assert "new_kind" in one.health().state_error
    assert one.health().step is None
    assert one.health().unsent == 0
    person(store, commands.rollback, reason="by hand")
    tick(one)
    assert one.view.table.weight_bp == 0
    assert one.health().state_error == "", "nothing is to be judged any more"


def test_the_same_batch_is_sent_again_and_counts_once():
    """The store did as it was told, and its answer was lost."""
    store = Troubled()
    started(store.store)
    one = member(store)
    tick(one)
    count(one, 50)
    store.mute = True
    for _ in range(3):
        with pytest.raises(StoreUnavailableError):
            tick(one)
    store.mute = False
    count(one, 50, first=50)
    tick(one)
    sequences = [(batch.source, batch.sequence) for batch in store.offered]
    assert len(sequences) > len(set(sequences))
    assert one.health().step.judgement.verdicts[0].samples == 100
    assert marks(store.store, read_state(store.store).epoch) == 1


def test_hours_without_a_store_are_caught_up():
    """The last view stays, the counts wait, and the verdict comes when the store does."""
    store, clock = Troubled(), Clock()
    started(store.store)
    one = member(store, clock=clock)
    tick(one)
    store.down = True
    n = 0
    for _ in range(3 * 60):
        clock.now_s += 60
        count(one, 3, 1, first=n % 9_000)
        n += 4
        with pytest.raises(StoreUnavailableError):
            tick(one)
    assert one.view.table.weight_bp == 3_000
    assert (one.health().unsent, one.health().dropped) == (n, 0)
    store.down = False
    tick(one)
    assert actions(store.store) == ["start", "rollback"]
    assert one.health().unsent == 0


def test_counts_that_no_store_takes_are_given_up_and_said():
    """A batch that is refused for what it holds must not stand in the way of all others."""
    store = MemoryStore()
    started(store)
    one = member(store)
    tick(one)
    one._recorder.record(1, "two words", "ok", 5.0, 3, NOW_S)
    tick(one)
    assert one.health().dropped == 1
    count(one, 5)
    tick(one)
    assert one.health().unsent == 0


@pytest.mark.parametrize("error", [StoreVersionError, StoreReadOnlyError, StoreUnavailableError])
def test_a_store_that_refuses_is_an_error_that_leaves_the_view(error):
    class Refusing(MemoryStore):
        def add(self, batch):
            raise error("made", "no")

    store = Refusing()
    started(store)
    one = member(store)
    with pytest.raises(error):
        tick(one)
    assert one.view.table.weight_bp == 3_000, "reading goes before writing"
    person(store, commands.rollback, reason="by hand")
    with pytest.raises(error):
        tick(one)
    assert one.view.table.weight_bp == 0


def test_an_old_copy_of_the_store_is_believed():
    """Somebody restored a backup: its generation is lower, and it is what stands."""
    store = Troubled()
    started(store.store)
    one = member(store)
    person(store.store, commands.pause)
    tick(one)
    assert one.view.generation == 2
    store.store = MemoryStore()
    started(store.store)
    tick(one)
    assert (one.view.generation, one.view.state.status) == (1, "running")


def test_a_reading_that_was_slow_does_not_bring_old_news():
    store = MemoryStore()
    started(store)
    one = member(store)
    standing = one._standing
    early, late = standing.reading(), standing.reading()
    old = read_state(store)
    new = person(store, commands.pause)
    assert standing.adopt(new, late)
    assert not standing.adopt(old, early)
    assert one.view.generation == 2


def test_expired_counts_are_pruned_once_a_minute():
    store, clock = MemoryStore(), Clock()
    started(store)
    one = member(store, clock=clock)
    sizes = []
    for k in range(600):
        count(one, 1, first=k)
        clock.now_s += 1
        tick(one)
        sizes.append(store._size())
    assert max(sizes[300:]) < 400


def test_a_mark_that_another_process_has_set_is_no_repeated_outcome():
    """What clients recorded is what the store holds and what they say was repeated, to the last."""
    store, clock = MemoryStore(), Clock()
    started(store)
    members = [member(store, clock=clock) for _ in range(3)]
    for slot in range(3):
        clock.now_s += MARK_S
        tick(*members)
        for one in members:
            count(one, 5, first=10 * slot)
        tick(*members)
    held = read_epoch(store, read_state(store).epoch, clock.now_s).candidate.total.requests
    assert marks(store, read_state(store).epoch) == 3
    assert held + sum(one.health().repeats for one in members) == 3 * 3 * 5


def test_a_slot_whose_batch_is_a_resent_one_is_marked_by_the_next():
    """A mark goes with a new batch, and is not lost beside an old one."""
    store, clock = Troubled(), Clock()
    started(store.store)
    one = member(store, clock=clock)
    tick(one)
    count(one, 5)
    store.mute = True
    for _ in range(2):
        clock.now_s += MARK_S / 2
        with pytest.raises(StoreUnavailableError):
            tick(one)
    store.mute = False
    tick(one)
    assert marks(store.store, read_state(store.store).epoch) == 2


OPERATIONS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(["record", "record", "tick", "tick", "down", "mute", "well", "later"]),
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(operations=OPERATIONS)
def test_whatever_fails_in_between_everything_is_counted_once_and_decided_once(operations):
    """Three processes, whose stores are down or lose answers, in any order of events."""
    store, clock = MemoryStore(), Clock()
    plan = dataclasses.replace(PLAN, sticky="request")
    started(store, plan)
    links = [Troubled(store) for _ in range(3)]
    members = [member(link, plan, clock) for link in links]
    tick(*members)
    recorded = 0
    for who, what in operations:
        link, one = links[who], members[who]
        if what == "record":
            count(one, 3, 1)
            recorded += 4
        elif what == "tick":
            with contextlib.suppress(StoreUnavailableError):
                tick(one)
        elif what == "later":
            clock.now_s += 7
        else:
            link.down, link.mute = what == "down", what == "mute"
    for link in links:
        link.down = link.mute = False
    tick(*members)
    tick(*members)
    assert all(one.health().unsent == one.health().dropped == 0 for one in members)
    counted = sum(
        read_epoch(store, epoch, clock.now_s).candidate.total.requests
        for epoch in range(read_state(store).generation + 1)
    )
    assert counted == recorded
    assert actions(store).count("rollback") <= 1
    assert len(actions(store)) == read_state(store).generation
    assert len({one.view.generation for one in members}) == 1
    assert (read_state(store).status == "rolled_back") == ("rollback" in actions(store))
    if recorded >= 60:
        assert "rollback" in actions(store)
