"""The core's states and transitions in a store. Used by every process's loop and by `ocrctl`."""

from __future__ import annotations

from collections.abc import Iterable

from ocr_rollout.core.notices import Subscriber, notices
from ocr_rollout.core.state import RolloutState
from ocr_rollout.core.transition import Transition
from ocr_rollout.stores.protocol import LogEntry, Message, StateStore, Stored
from ocr_rollout.stores.protocol import Transition as Write


def state_of(stored: Stored | None) -> RolloutState:
    """Idle where nothing is stored yet. Raises StateError on what this version cannot read."""
    return RolloutState() if stored is None else RolloutState.from_dict(stored.document)


def read_state(store: StateStore) -> RolloutState:
    """Raises StorageError, or StateError as `state_of` does."""
    return state_of(store.state())


def write_of(transition: Transition, subscribers: Iterable[Subscriber] = ()) -> Write:
    """What a store takes in one step: the state, the audit entry, and who is to be told of it."""
    entry = LogEntry(transition.audit.to_dict())
    messages = tuple(
        Message(notice.to_dict(), f"{entry.id}.{notice.target}")
        for notice in notices(transition, subscribers)
    )
    return Write(transition.expected, transition.state.to_dict(), entry, messages)


def commit(
    store: StateStore, transition: Transition, subscribers: Iterable[Subscriber] = ()
) -> tuple[bool, RolloutState]:
    """(won, the state that stands now). Lost: another process or person was quicker; decide anew.

    Raises StorageError, and then nobody knows whether it landed: read the state again. A second
    try needs no care, for the first one has counted the generation up if it did.
    Raises StateError when the state that won instead cannot be read.
    """
    done = store.commit(write_of(transition, subscribers))
    return done.won, state_of(done.current)
