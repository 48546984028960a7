"""What every store keeps to: the same facts on memory, SQLite and a real Redis."""

from __future__ import annotations

import dataclasses
import math
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocr_rollout.core.state import AuditEntry, RolloutState, Tombstone
from ocr_rollout.stores import (
    DocumentError,
    LogEntry,
    Message,
    Store,
    Transition,
)

PER_STORE = settings(
    max_examples=25,
    deadline=None,
    # Examples take names of their own; and how long a busy machine draws says nothing.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def step(expected: int, **more: object) -> Transition:
    document = {"generation": expected + 1, **more}
    return Transition(expected, document, LogEntry({"to": expected + 1}))


def generations(store: Store) -> list[int]:
    return [recorded.entry.document["to"] for recorded in store.history(limit=10_000)]


def test_an_empty_store_has_no_state_and_no_history(store: Store):
    """What a first start finds."""
    assert store.state() is None
    assert store.history() == ()
    assert store.counts() == ()
    assert store.samples(-math.inf, math.inf) == ()
    assert store.lease("me", now_s=0, lease_s=1) == ()
    assert store.prune(1e9) == 0


def test_a_step_is_written_with_its_log_entry(store: Store):
    """State, generation and audit log say the same."""
    done = store.commit(step(0, status="running", text="识别"))
    assert done.won
    assert done.current == store.state()
    assert store.state().generation == 1
    assert store.state().document == {"generation": 1, "status": "running", "text": "识别"}
    assert generations(store) == [1]


def test_a_step_from_an_old_generation_loses_and_leaves_no_trace(store: Store):
    """Neither state, log nor outbox; the loser learns what stands."""
    store.commit(step(0, by="winner"))
    late = Transition(0, {"generation": 1, "by": "loser"}, LogEntry({"to": 1}), [Message({})])
    done = store.commit(late)
    assert not done.won
    assert done.current.document["by"] == "winner"
    assert generations(store) == [1]
    assert store.lease("me", now_s=0, lease_s=1) == ()


def test_a_step_into_the_future_loses(store: Store):
    """E.g. after an old copy of the store was brought back."""
    assert not store.commit(step(5)).won
    assert store.state() is None


def test_a_repeated_step_is_won_but_taken_once(store: Store):
    """Who lost the answer may ask again, even when others went on meanwhile."""
    first = Transition(0, {"generation": 1}, LogEntry({"to": 1}), [Message({"to": "hook"})])
    assert store.commit(first).won
    assert store.commit(first).won
    store.commit(step(1))
    again = store.commit(first)
    assert again.won
    assert again.current.generation == 2
    assert generations(store) == [1, 2]
    assert len(store.lease("me", now_s=0, lease_s=1, limit=9)) == 1


def test_the_core_s_records_come_back_equal(store: Store):
    """What the controller writes is what every other process reads, tombstones and all."""
    stone = Tombstone("sha256:ab", "crnn:1", "r1", "late: g 11.2 >= 10", 1.5)
    state = RolloutState(1, 1, "rolled_back", "r1", "convnext:1", "crnn:1", "sha256:ab")
    state = dataclasses.replace(state, dwell_s=0.1, reason="错误率过高", tombstones=(stone,))
    entry = AuditEntry(
        1.5, "judge", "rollback", "late", 1, "r1", "crnn:1", "running", "rolled_back", 0, 0,
        1000, 0, "late", 11.2, 10.0, 64,
    )  # fmt: skip
    assert store.commit(Transition(0, state.to_dict(), LogEntry(entry.to_dict()))).won
    assert RolloutState.from_dict(store.state().document) == state
    (recorded,) = store.history()
    assert AuditEntry.from_dict(recorded.entry.document) == entry


def test_a_refresh_keeps_the_generation_and_the_log(store: Store):
    """A tick of the dwell clock is no decision."""
    store.commit(step(0, dwell_s=0.0))
    assert store.refresh({"generation": 1, "dwell_s": 1.5})
    assert store.state().document["dwell_s"] == 1.5
    assert generations(store) == [1]


def test_a_refresh_never_overwrites_a_decision(store: Store):
    """A tick that was read before a rollback must not undo it."""
    store.commit(step(0))
    store.commit(step(1, status="rolled_back"))
    assert not store.refresh({"generation": 1, "status": "running"})
    assert store.state().document["status"] == "rolled_back"


@pytest.mark.parametrize(
    "document",
    [
        {"generation": 3},  # does not follow 0
        {"generation": True},
        {"generation": 1.0},
        {},
        [],
        {"generation": 1, "x": math.nan},
        {"generation": 1, "x": {1, 2}},
        {"generation": 1, 5: "a key that is no text"},
        {"generation": 1, "x": b"bytes"},
        {"generation": 1, "x": "long" * 300_000},
    ],
)
def test_what_is_no_plain_data_is_refused_in_one_line(store: Store, document):
    """And nothing is written."""
    with pytest.raises(DocumentError) as caught:
        store.commit(Transition(0, document, LogEntry({})))
    assert len(str(caught.value).splitlines()) == 1
    assert store.state() is None
    assert store.history() == ()


@PER_STORE
@given(document=st.dictionaries(st.text(), PLAIN, max_size=4))
def test_documents_come_back_equal(store: Store, document):
    """All that JSON can say: any text, whole numbers of any size, nested."""
    entry = LogEntry(document)
    sequence = store.record(entry)
    assert store.history(after=sequence - 1)[0].entry == entry


def test_the_log_has_no_gaps_and_its_ends_can_be_read(store: Store):
    """Pages from the start, and the last entries for people."""
    for number in range(1, 8):
        assert store.record(LogEntry({"to": number})) == number
    assert [r.sequence for r in store.history(after=2, limit=3)] == [3, 4, 5]
    assert [r.entry.document["to"] for r in store.history(after=-2)] == [6, 7]
    assert len(store.history(after=-100)) == 7
    assert store.history(after=7) == ()
    assert store.history(limit=0) == ()


def test_a_repeated_log_entry_stands_once(store: Store):
    """By its id, whatever came between."""
    entry = LogEntry({"who": "Li"})
    assert store.record(entry) == 1
    assert store.record(LogEntry({})) == 2
    assert store.record(entry) == 1
    assert len(store.history()) == 2


@pytest.mark.parametrize("name", ["", "a b", "a\nb", "识", "x" * 201])
def test_names_that_could_break_a_key_are_refused(store: Store, name):
    """Names become parts of keys."""
    with pytest.raises(DocumentError):
        store.record(LogEntry({}, id=name))
    with pytest.raises(DocumentError):
        store.lease(name, now_s=0, lease_s=1)


def test_waiting_ends_at_once_when_the_state_is_another_already(store: Store):
    """A change between two waits is not missed."""
    store.commit(step(0))
    started = time.monotonic()
    assert store.wait_for_change(0, 30).generation == 1
    assert time.monotonic() - started < 5


def test_waiting_in_vain_ends_in_time(store: Store):
    """With the state as it stands."""
    assert store.wait_for_change(0, 0.01) is None
    store.commit(step(0))
    assert store.wait_for_change(1, 0.01).generation == 1


def test_waiting_ends_at_another_thread_s_step(store: Store):
    """Long before the time is over, although counts are written all along.

    At the median of five: a busy machine may hold up one or two.
    """
    seen: list[float] = []
    took: list[float] = []

    def wait(generation: int) -> None:
        assert store.wait_for_change(generation, 120).generation == generation + 1
        seen.append(time.monotonic())

    for generation in range(5):
        thread = threading.Thread(target=wait, args=[generation])
        thread.start()
        time.sleep(0.1)  # so that it does wait
        store.record(LogEntry({}))
        committed = time.monotonic()
        store.commit(step(generation))
        thread.join(120)
        took.append(seen[generation] - committed)
    assert sorted(took)[2] < 2


def test_of_eight_threads_one_wins_each_generation(store: Store):
    """Compare-and-set under contention."""
    won: list[int] = []

    def climb() -> None:
        while (generation := (state.generation if (state := store.state()) else 0)) < 40:
            if store.commit(step(generation)).won:
                won.append(generation + 1)

    threads = [threading.Thread(target=climb) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(won) == generations(store)
    assert generations(store) == list(range(1, len(won) + 1))


def test_a_message_is_leased_to_one_and_settled_once(store: Store):
    """Who sends it, and nobody else meanwhile."""
    messages = [Message({"n": n}) for n in range(3)]
    store.commit(Transition(0, {"generation": 1}, LogEntry({"to": 1}), messages))
    (first,) = store.lease("a", now_s=100, lease_s=30)
    others = store.lease("b", now_s=100, lease_s=30, limit=10)
    assert first.message == messages[0]
    assert [lease.message for lease in others] == messages[1:]
    assert store.lease("c", now_s=129.9, lease_s=30) == ()
    assert store.settle(first)
    assert not store.settle(first)
    assert store.lease("c", now_s=1e6, lease_s=30, limit=10)[0].message == messages[1]


def test_a_lease_that_ran_out_passes_on_and_the_old_holder_cannot_settle(store: Store):
    """A sender that was killed holds nothing up; one that was slow settles nothing."""
    store.commit(Transition(0, {"generation": 1}, LogEntry({"to": 1}), [Message({})]))
    (slow,) = store.lease("a", now_s=100, lease_s=30)
    (taken,) = store.lease("a", now_s=130, lease_s=30)
    assert (slow.attempt, taken.attempt, taken.until_s) == (1, 2, 160)
    assert not store.settle(slow)
    assert store.settle(taken)


def test_one_message_and_eight_threads_give_one_lease(store: Store):
    """Once, however many ask at the same moment."""
    store.commit(Transition(0, {"generation": 1}, LogEntry({"to": 1}), [Message({})]))
    found = []
    threads = [
        threading.Thread(target=lambda k=k: found.extend(store.lease(f"t{k}", now_s=1, lease_s=60)))
        for k in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 1


def test_a_store_can_be_closed_twice_and_used_again(store: Store):
    """Closing ends connections, not the store."""
    store.commit(step(0))
    store.close()
    store.close()
    assert store.state().generation == 1
