"""Messages for one target come in their order, and one that could not be sent waits its time."""

from ocr_rollout.stores import LogEntry, Message, Store, Transition


def written(store, *messages):
    done = store.commit(Transition(0, {"generation": 1}, LogEntry({"to": 1}), messages))
    assert done.won


def ids(leases):
    return [lease.message.id for lease in leases]


def test_of_one_target_only_the_oldest_is_given(store: Store):
    """Whoever asks; other targets, and messages without one, do not wait for it."""
    written(
        store,
        Message({"target": "a"}, "a1"),
        Message({"target": "a"}, "a2"),
        Message({"target": "b"}, "b1"),
        Message({}, "free"),
        Message({"target": None}, "free2"),
        Message({"target": None}, "free3"),
    )
    first = store.lease("one", now_s=100, lease_s=30, limit=9)
    assert ids(first) == ["a1", "b1", "free", "free2", "free3"]
    assert store.lease("two", now_s=101, lease_s=30, limit=9) == ()
    assert store.settle(first[0])
    assert ids(store.lease("two", now_s=102, lease_s=30, limit=9)) == ["a2"]


def test_one_that_could_not_be_sent_waits_its_time_and_holds_up_its_target_only(store: Store):
    """Then anybody may try; the number of tries goes on."""
    written(
        store,
        Message({"target": "a"}, "a1"),
        Message({"target": "a"}, "a2"),
        Message({"target": "b"}, "b1"),
    )
    (first,) = store.lease("one", now_s=100, lease_s=30)
    assert store.postpone(first, 250)
    assert ids(store.lease("two", now_s=200, lease_s=30, limit=9)) == ["b1"]
    (again,) = store.lease("two", now_s=250, lease_s=30)
    assert (again.message.id, again.owner, again.attempt) == ("a1", "two", 2)
    assert not store.postpone(first, 1)  # it is another's now
    assert store.settle(again)
    assert not store.postpone(again, 1)
    assert ids(store.lease("two", now_s=251, lease_s=30)) == ["a2"]


def test_a_lease_may_be_given_back_early(store: Store):
    """Who ends before it begins to send holds nobody up."""
    written(store, Message({"target": "a"}, "a1"))
    (first,) = store.lease("one", now_s=100, lease_s=30)
    assert store.postpone(first, 100)
    assert ids(store.lease("two", now_s=100, lease_s=30)) == ["a1"]


def test_who_knows_some_targets_is_given_their_messages_only(store: Store):
    """A process whose configuration lacks a name leaves its messages to those that have it."""
    written(
        store,
        Message({"target": "a"}, "a1"),
        Message({"target": "b"}, "b1"),
        Message({"target": "b"}, "b2"),
        Message({}, "b"),
    )
    assert store.lease("one", now_s=100, lease_s=30, limit=9, targets=()) == ()
    assert store.lease("one", now_s=100, lease_s=30, limit=9, targets=["c", "b1"]) == ()
    assert ids(store.lease("one", now_s=100, lease_s=30, limit=9, targets=["b", "c"])) == ["b1"]
    assert ids(store.lease("two", now_s=100, lease_s=30, limit=9)) == ["a1", "b"]
