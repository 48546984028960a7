"""The state machine: what moves it, what never does, and what every path through it keeps."""

import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ocr_rollout.core import commands
from ocr_rollout.core.controller import look, step
from ocr_rollout.core.counts import Counts
from ocr_rollout.core.evidence import Evidence
from ocr_rollout.core.plan import Phase, Plan
from ocr_rollout.core.routing import Arm
from ocr_rollout.core.state import AuditEntry, RolloutState, StateError
from ocr_rollout.core.transition import Refusal, Transition
from ocr_rollout.core.windows import Bucket, Series

STABLE, CANDIDATE = Arm("convnext", 1), Arm("crnn", 1)
NOW = 1_700_000_000.0
DAY = 86_400.0
PLAN = Plan("r1", STABLE, CANDIDATE)
AUTO = Plan(
    "r1",
    STABLE,
    CANDIDATE,
    phases=(Phase(1_000, 60.0, 100, "auto"), Phase(5_000, 60.0, 100, "auto")),
)


def counted(fine, failed=0, *, kind="server_error", at=NOW):
    counts = Counts.of("ok", 50.0, fine) + Counts.of(kind, 50.0, failed)
    return Series(counts, (Bucket(int(at), 1, counts),))


GOOD = Evidence(counted(9_000), counted(2_000), watched_s=10 * DAY)
BAD = Evidence(counted(9_000), counted(20, 20), watched_s=60.0)
OUTAGE = Evidence(counted(100, 900), counted(10, 100), watched_s=60.0)


def started(plan=PLAN, state=None):
    answer = commands.start(plan, state or RolloutState(), digest="d1", by="ann", at_s=NOW)
    return answer.state


def waiting(plan=PLAN):
    return step(plan, started(plan), GOOD, NOW).state


def test_a_good_candidate_goes_through_every_gate_to_completion():
    """10 -> 30 -> 60 -> 98 -> 100 %, each gate approved by name."""
    state, weights = started(), []
    while state.status != "completed":
        weights.append(state.weight_bp)
        wait = step(PLAN, state, GOOD, NOW)
        assert wait.state.status == "waiting"
        assert step(PLAN, wait.state, GOOD, NOW) is None
        through = commands.approve(PLAN, wait.state, by="ann", note="ok", at_s=NOW)
        assert (through.audit.who, through.audit.why) == ("ann", "ok")
        state = through.state
        assert state.epoch == state.generation
    assert weights == [1_000, 3_000, 6_000, 9_800]
    assert state.weight_bp == 10_000


def test_an_automatic_gate_needs_nobody():
    """And each phase its own evidence, under its own epoch."""
    first = step(AUTO, started(AUTO), GOOD, NOW)
    assert (first.state.phase, first.state.weight_bp, first.audit.action) == (1, 5_000, "advance")
    assert step(AUTO, first.state, Evidence(), NOW) is None
    assert step(AUTO, first.state, GOOD, NOW).state.status == "completed"


@pytest.mark.parametrize("status", ["running", "waiting", "paused"])
def test_a_gate_or_a_pause_never_switches_off_the_guard(status):
    """Rolled back to weight 0 with a tombstone; the audit names rule and numbers."""
    state = dataclasses.replace(started(), status=status)
    back = step(PLAN, state, BAD, NOW)
    assert (back.state.status, back.state.weight_bp) == ("rolled_back", 0)
    assert back.state.tombstone_of("d1").arm == "crnn:1"
    assert (back.audit.rule, back.audit.who) == ("early", "judge")
    assert back.audit.observed >= back.audit.limit
    assert (back.audit.from_weight_bp, back.audit.to_weight_bp) == (1_000, 0)
    assert step(PLAN, back.state, BAD, NOW) is None


def test_on_failure_freeze_keeps_the_share_and_calls_a_person():
    """It thaws by hand only, and then on fresh counts."""
    plan = dataclasses.replace(PLAN, on_failure="freeze")
    frozen = step(plan, started(plan), BAD, NOW).state
    assert (frozen.status, frozen.cause, frozen.weight_bp) == ("frozen", "on_failure", 1_000)
    assert step(plan, frozen, GOOD, NOW) is None
    resumed = commands.resume(frozen, by="ann", at_s=NOW).state
    assert (resumed.status, resumed.epoch) == ("running", resumed.generation)


def test_a_common_cause_freezes_and_thaws_when_stable_is_well_again():
    """No verdict against the candidate; what was counted meanwhile is dropped."""
    frozen = step(PLAN, started(), OUTAGE, NOW).state
    assert (frozen.status, frozen.cause, frozen.tombstones) == ("frozen", "common_cause", ())
    assert frozen.epoch == frozen.generation
    assert step(PLAN, frozen, OUTAGE, NOW) is None
    early = dataclasses.replace(GOOD, watched_s=30.0)
    assert step(PLAN, frozen, early, NOW) is None
    thawed = step(PLAN, frozen, GOOD, NOW).state
    assert (thawed.status, thawed.weight_bp, thawed.epoch) == ("running", 1_000, thawed.generation)
    assert thawed.dwell_s == OUTAGE.watched_s + GOOD.watched_s


def test_a_pause_outlives_a_common_cause():
    """Who paused is who resumes."""
    paused = commands.pause(started(), by="ann", at_s=NOW).state
    frozen = step(PLAN, paused, OUTAGE, NOW).state
    assert step(PLAN, frozen, GOOD, NOW).state.status == "paused"


@pytest.mark.parametrize(
    ("evidence", "lacks"),
    [
        (Evidence(), "samples 0"),
        (dataclasses.replace(GOOD, watched_s=DAY - 60), "watched 23 h 59 min of 1 d"),
        (Evidence(counted(900), counted(150), watched_s=DAY), "samples 150 of 200"),
        (Evidence(counted(9_000), counted(960, 40), watched_s=DAY), "proof"),
    ],
)
def test_what_is_missing_holds_the_phase_and_is_said(evidence, lacks):
    """Dwell, samples, proof; no data is no success."""
    seen = look(PLAN, started(), evidence, NOW)
    assert seen.transition is None
    assert any(lacks in line for line in seen.missing)


@given(st.floats(-1e12, 1e12), st.floats(0, DAY - 1))
def test_no_clock_skips_a_phase(now, watched):
    """Only watched time counts, whatever the clock says."""
    evidence = dataclasses.replace(GOOD, watched_s=watched)
    assert step(PLAN, started(), evidence, now) is None


def test_many_who_see_the_same_decide_the_same():
    """Idempotent: compare-and-set on `expected` lets one of them win."""
    first, second = (step(PLAN, started(), BAD, NOW) for _ in range(2))
    assert first == second
    assert first.expected == started().generation
    assert first.state.generation == first.expected + 1


def test_the_guard_stays_on_when_the_plan_was_exchanged():
    """But nothing advances by a plan that was not started."""
    other = dataclasses.replace(AUTO, rollout_id="r2")
    assert step(other, started(AUTO), GOOD, NOW) is None
    assert step(other, started(AUTO), BAD, NOW).state.status == "rolled_back"
    shorter = dataclasses.replace(PLAN, phases=PLAN.phases[:1])
    assert step(shorter, dataclasses.replace(started(), phase=2), GOOD, NOW) is None


# --- commands


def test_a_tombstone_is_on_the_weights_and_a_person_clears_it():
    """Whatever the arm is called the next time."""
    buried = step(PLAN, started(), BAD, NOW).state
    renamed = dataclasses.replace(PLAN, candidate=Arm("crnn", 2))
    refused = commands.start(renamed, buried, digest="d1", by="ann", at_s=NOW)
    assert "ocrctl rollout clear d1" in refused.reason
    assert isinstance(commands.start(PLAN, buried, digest="d2", by="a", at_s=NOW), Transition)
    cleared = commands.clear(buried, digest="d1", by="ann", at_s=NOW).state
    assert (cleared.status, cleared.weight_bp) == ("rolled_back", 0)
    assert isinstance(commands.start(PLAN, cleared, digest="d1", by="a", at_s=NOW), Transition)


def test_a_new_candidate_in_the_middle_is_refused_or_restarts():
    """Configured, never silent."""
    state = dataclasses.replace(waiting(), phase=2, weight_bp=6_000)
    newer = dataclasses.replace(PLAN, candidate=Arm("crnn", 2))
    refused = commands.start(newer, state, digest="d2", by="ann", at_s=NOW)
    assert "under way" in refused.reason
    newer = dataclasses.replace(newer, on_new_candidate="restart")
    again = commands.start(newer, state, digest="d2", by="ann", at_s=NOW)
    assert (again.state.phase, again.state.weight_bp, again.audit.action) == (0, 1_000, "restart")
    same = commands.start(PLAN, state, digest="d1", by="ann", at_s=NOW)
    assert "already" in same.reason


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda: commands.start(PLAN, RolloutState(), digest="d", by=" ", at_s=NOW), "--by NAME"),
        (lambda: commands.start(PLAN, RolloutState(), digest="", by="a", at_s=NOW), "digest"),
        (lambda: commands.approve(PLAN, waiting(), by="", note="", at_s=NOW), "--by NAME"),
        (lambda: commands.approve(PLAN, started(), by="a", note="", at_s=NOW), "nothing waits"),
        (lambda: commands.approve(PLAN, RolloutState(), by="a", note="", at_s=NOW), "idle"),
        (
            lambda: commands.approve(
                dataclasses.replace(PLAN, rollout_id="r2"), waiting(), by="a", note="", at_s=NOW
            ),
            "not the one",
        ),
        (lambda: commands.pause(RolloutState(), by="a", at_s=NOW), "nothing to pause"),
        (lambda: commands.resume(started(), by="a", at_s=NOW), "nothing to resume"),
        (lambda: commands.rollback(RolloutState(), by="a", reason="r", at_s=NOW), "nothing to"),
        (lambda: commands.rollback(started(), by="a", reason=" ", at_s=NOW), "reason"),
        (lambda: commands.clear(started(), digest="x", by="a", at_s=NOW), "'x' is not"),
        (lambda: weight(started(), 9_000), "at most 0.3"),
        (lambda: weight(started(), -1), "not accepted"),
        (lambda: weight(started(), 1_000), "already"),
        (lambda: weight(RolloutState(), 500), "idle"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused_in_one_line(answer, said):
    """The state is untouched: there is no new one."""
    refused = answer()
    assert isinstance(refused, Refusal)
    assert said in refused.reason
    assert "\n" not in refused.reason


def weight(state, weight_bp):
    return commands.set_weight(PLAN, state, weight_bp=weight_bp, by="a", note="", at_s=NOW)


def test_a_share_by_hand_begins_a_new_epoch_and_the_dwell_anew():
    """Evidence of another share is not evidence of this one."""
    state = weight(waiting(), 2_000).state
    assert (state.status, state.weight_bp, state.by_hand) == ("running", 2_000, True)
    assert (state.epoch, state.dwell_s) == (state.generation, 0)


# --- the dictionary form


@pytest.mark.parametrize(
    "state", [RolloutState(), started(), step(PLAN, started(), BAD, NOW).state]
)
def test_states_and_audit_entries_come_back_equal_from_json(state):
    """As stores keep them."""
    assert RolloutState.from_dict(json.loads(json.dumps(state.to_dict()))) == state
    entry = step(PLAN, started(), BAD, NOW).audit
    assert AuditEntry.from_dict(json.loads(json.dumps(entry.to_dict()))) == entry


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": 2}, "newer version"),
        ({"schema": None}, "schema None"),
        ({"schema": True}, "schema True"),
        ({"status": "asleep"}, "asleep"),
        ({"status": "rolled_back"}, "not 0"),
        ({"weight_bp": 10_001}, "10001"),
        ({"weight_bp": "1000"}, "'1000' is not int"),
        ({"generation": -1, "epoch": -1}, "out of range"),
        ({"epoch": 99}, "out of range"),
        ({"held": "idle"}, "idle"),
        ({"dwell_s": float("nan")}, "dwell_s"),
        ({"candidate": "crnn"}, "crnn"),
        ({"digest": ""}, "digest"),
        ({"tombstones": "none"}, "not a list"),
        ({"tombstones": [{"digest": "d"}]}, "tombstone: missing key"),
        ({"colour": "red"}, "unknown key: colour"),
    ],
)
def test_a_stored_state_that_cannot_be_is_refused(change, said):
    """A corrupt store, or a newer one: one line, nothing guessed."""
    with pytest.raises(StateError, match=said) as caught:
        RolloutState.from_dict({**started().to_dict(), **change})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("document", [None, [], "idle", {}])
def test_a_stored_state_that_is_no_record_is_refused(document):
    """Also where a key is missing."""
    with pytest.raises(StateError):
        RolloutState.from_dict(document)


# --- every path


class Rollout(RuleBasedStateMachine):
    """Any order of commands and evaluations, by a plan whose gates are all manual."""

    @initialize()
    def begin(self):
        self.state, self.approved = RolloutState(), False

    def apply(self, answer, *, may_raise=False):
        if not isinstance(answer, Transition):
            return
        before, after = self.state, answer.state
        assert answer.expected == before.generation
        assert after.generation == before.generation + 1  # generation only grows, by one
        assert after.epoch in {before.epoch, after.generation}
        assert after.weight_bp <= before.weight_bp or may_raise
        assert after.weight_bp == before.weight_bp or after.epoch == after.generation
        assert after.phase <= before.phase + 1
        assert answer.audit.who
        assert RolloutState.from_dict(json.loads(json.dumps(after.to_dict()))) == after
        assert (answer.audit.from_status, answer.audit.to_status) == (before.status, after.status)
        self.state = after

    @rule(digest=st.sampled_from(["d1", "d2"]))
    def start(self, digest):
        buried = self.state.tombstone_of(digest) is not None
        answer = commands.start(PLAN, self.state, digest=digest, by="a", at_s=NOW)
        assert not (buried and isinstance(answer, Transition))
        self.apply(answer, may_raise=True)

    @rule(evidence=st.sampled_from([GOOD, BAD, OUTAGE, Evidence()]), now=st.floats(-1e10, 1e10))
    def evaluate(self, evidence, now):
        before = self.state
        answer = step(PLAN, before, evidence, now)
        self.apply(answer)  # by itself it never raises the weight
        if evidence is BAD and before.status in {"running", "waiting", "paused"}:
            assert self.state.status == "rolled_back"

    @rule()
    def approve(self):
        was = self.state.status
        self.apply(
            commands.approve(PLAN, self.state, by="a", note="", at_s=NOW),
            may_raise=was == "waiting",
        )

    @rule(weight_bp=st.integers(0, 10_000))
    def set_weight(self, weight_bp):
        self.apply(weight(self.state, weight_bp), may_raise=weight_bp <= 9_800)

    @rule()
    def pause(self):
        self.apply(commands.pause(self.state, by="a", at_s=NOW))

    @rule()
    def resume(self):
        self.apply(commands.resume(self.state, by="a", at_s=NOW))

    @rule()
    def rollback(self):
        self.apply(commands.rollback(self.state, by="a", reason="r", at_s=NOW))

    @rule(digest=st.sampled_from(["d1", "d2", "d3"]))
    def clear(self, digest):
        self.apply(commands.clear(self.state, digest=digest, by="a", at_s=NOW))

    @invariant()
    def rolled_back_means_weight_0_and_a_tombstone_or_a_person(self):
        state = getattr(self, "state", RolloutState())
        if state.status in {"idle", "rolled_back"}:
            assert state.weight_bp == 0
        digests = [stone.digest for stone in state.tombstones]
        assert len(digests) == len(set(digests))
        if state.live:
            assert state.digest not in digests


TestEveryPath = Rollout.TestCase
TestEveryPath.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
