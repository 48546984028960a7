"""Which transitions are told to whom; each in one message for each target."""

import json

import pytest

from ocr_rollout.core import commands
from ocr_rollout.core.moves import leave_phase
from ocr_rollout.core.notices import EVENTS, Notice, Subscriber, caused, dead_letter, notices
from ocr_rollout.core.plan import Phase, Plan
from ocr_rollout.core.routing import Arm
from ocr_rollout.core.state import AuditEntry, RolloutState, StateError
from ocr_rollout.core.transition import moved
from ocr_rollout.core.verdict import Verdict
from ocr_rollout.runtime.transitions import commit, write_of
from ocr_rollout.stores import MemoryStore

PLAN = Plan("r1", Arm("convnext", 1), Arm("crnn", 1), phases=(Phase(1_000), Phase(5_000)))
VERDICT = Verdict("FAIL", "early", 31.0, 20.0, 40, "12 of 40 are faults")


def story():
    """Each kind of step, with the event that it is."""
    state = RolloutState()

    def then(step, event):
        nonlocal state
        state = step.state
        return step, event

    yield then(commands.start(PLAN, state, digest="d", by="ann", at_s=1), "phase")
    yield then(commands.pause(state, by="ann", at_s=2), None)
    yield then(commands.resume(state, by="ann", at_s=3), None)
    yield then(moved(state, "wait", who="controller", why="", at_s=4, status="waiting"), "gate")
    yield then(commands.approve(PLAN, state, by="ann", note="", at_s=5), "phase")
    yield then(commands.set_weight(PLAN, state, weight_bp=2_000, by="ann", note="", at_s=6), None)
    yield then(moved(state, "freeze", who="judge", why="", at_s=7, status="frozen"), "freeze")
    yield then(moved(state, "thaw", who="controller", why="", at_s=8, status="running"), "thaw")
    yield then(moved(state, "freeze", who="judge", why="", at_s=9, status="frozen"), "freeze")
    yield then(commands.resume(state, by="ann", at_s=10), "thaw")
    yield then(leave_phase(PLAN, state, who="ann", why="", at_s=11), "completed")
    yield then(commands.rollback(state, by="ann", reason="x", at_s=12), "rollback")
    yield then(commands.clear(state, digest="d", by="ann", at_s=13), None)


def test_every_step_is_the_event_that_people_wait_for_or_none():
    """From the start to the tombstone's end; every event that a transition can be is among them."""
    steps = list(story())
    assert [caused(step.audit) for step, _ in steps] == [event for _, event in steps]
    assert {event for _, event in steps} == {*EVENTS, None} - {"store_lost", "store_back"}


def test_a_ratio_that_starts_itself_is_no_news_but_its_rollback_is():
    """Every process that begins starts it, in its own memory."""
    step = commands.start(PLAN, RolloutState(), digest="d", by="config", at_s=1)
    assert caused(step.audit) is None
    back = commands.rollback(step.state, by="judge", reason="bad", at_s=2)
    assert caused(back.audit) == "rollback"


def test_a_step_is_one_message_for_each_target_that_asked_for_it():
    """With an id of its own; the audit entry's is in it, so that the two are found together."""
    step = commands.start(PLAN, RolloutState(), digest="d", by="ann", at_s=1)
    everybody = (Subscriber("ops"), Subscriber("boss", ("completed",)), Subscriber("dev"))
    write = write_of(step, everybody)
    assert [message.document["target"] for message in write.messages] == ["ops", "dev"]
    assert [message.id for message in write.messages] == [
        f"{write.audit.id}.ops",
        f"{write.audit.id}.dev",
    ]


def test_who_loses_the_race_writes_no_message():
    """Message and transition are one write."""
    store, everybody = MemoryStore(), (Subscriber("ops"),)
    step = commands.start(PLAN, RolloutState(), digest="d", by="ann", at_s=1)
    assert commit(store, step, everybody)[0]
    assert not commit(store, step, everybody)[0]
    assert len(store.lease("me", now_s=0, lease_s=1, limit=9)) == 1
    assert store.lease("me", now_s=9, lease_s=1)[0].message.document["event"] == "phase"


def test_a_notice_comes_back_equal_and_carries_the_verdict():
    """Through JSON, as a store keeps it."""
    state = next(story())[0].state
    step = moved(state, "rollback", who="judge", why="early", at_s=2, verdict=VERDICT)
    (notice,) = notices(step, [Subscriber("ops")])
    again = Notice.from_dict(json.loads(json.dumps(notice.to_dict())))
    assert again == notice
    assert (again.entry.rule, again.entry.observed, again.entry.samples) == ("early", 31.0, 40)
    assert again.stable == "convnext:1"


@pytest.mark.parametrize(
    "change", [{"schema": 2}, {"target": 3}, {"entry": None}, {"entry": {"schema": 9}}], ids=str
)
def test_what_a_newer_version_wrote_is_refused(change):
    """Nobody guesses what it means; its own processes send it."""
    step = next(story())[0]
    (notice,) = notices(step, [Subscriber("ops")])
    with pytest.raises(StateError):
        Notice.from_dict({**notice.to_dict(), **change})


def test_a_dead_letter_is_a_line_of_the_audit_log():
    """Readable as any other; it says who was not told, of what and why, and changes nothing."""
    step = next(story())[0]
    (notice,) = notices(step, [Subscriber("ops")])
    entry = AuditEntry.from_dict(dead_letter(notice, "HTTP 500 (3 tries)", 99.0).to_dict())
    assert (entry.action, entry.who, entry.at_s) == ("dead_letter", "notifier", 99.0)
    assert entry.why == "ops was not told of phase (start by ann): HTTP 500 (3 tries)"
    assert (entry.from_status, entry.to_status) == ("running", "running")
    assert entry.from_weight_bp == entry.to_weight_bp == 1_000
