"""What is told to the outside: which event a transition is, and whom it concerns.

| event | when |
|---|---|
| `phase` | a rollout was started, or went on to its next phase |
| `gate` | a phase has all that it needs; a person is to approve |
| `rollback` | the candidate was taken back, by the judge or by a person |
| `freeze`, `thaw` | the share stays where it is; it goes on |
| `completed` | the candidate has all of the traffic |
| `store_lost`, `store_back` | one process cannot reach the store; it can again |

The last two are no transitions: who cannot reach the store cannot write one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, get_args

from .state import AuditEntry, StateError
from .transition import Transition

Event = Literal[
    "phase", "gate", "rollback", "freeze", "thaw", "completed", "store_lost", "store_back"
]
EVENTS: Final[tuple[Event, ...]] = get_args(Event)
TEST: Final = "test"  # asked for by a person, so nobody subscribes to it

SCHEMA: Final = 1  # of a notice's dictionary form
_RATIO: Final = "config"  # signs what follows from `gray_scale_ratio` alone
_ACTIONS: Final[Mapping[str, Event]] = {
    "start": "phase",
    "restart": "phase",
    "advance": "phase",
    "wait": "gate",
    "rollback": "rollback",
    "freeze": "freeze",
    "complete": "completed",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Subscriber:
    """target: its name in the configuration. events: what it is told."""

    target: str
    events: tuple[Event, ...] = EVENTS


@dataclasses.dataclass(frozen=True, slots=True)
class Notice:
    """One event for one target, with the line of the audit log that it is about.

    event: of EVENTS, or TEST. entry: of `store_lost` and `store_back` one that stands nowhere.
    """

    target: str
    event: str
    stable: str
    entry: AuditEntry

    def to_dict(self) -> dict[str, Any]:
        """Plain values only; `from_dict` reads it back. Its `target` is what an outbox orders by."""
        return {
            "schema": SCHEMA,
            "target": self.target,
            "event": self.event,
            "stable": self.stable,
            "entry": self.entry.to_dict(),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Notice:
        """Raises StateError on what a newer version wrote, or what is no notice."""
        texts = {key: document.get(key) for key in ("target", "event", "stable")}
        if document.get("schema") != SCHEMA:
            raise StateError(f"notice: schema {document.get('schema')!r} is not {SCHEMA}")
        if not all(isinstance(text, str) for text in texts.values()):
            raise StateError("notice: target, event or stable is no text")
        return cls(**texts, entry=AuditEntry.from_dict(document.get("entry")))  # type: ignore[arg-type]


def caused(entry: AuditEntry) -> Event | None:
    """The event that a step of a rollout is; None for what nobody waits to hear."""
    if entry.from_status == "frozen" and entry.to_status in {"running", "paused"}:
        return "thaw"
    event = _ACTIONS.get(entry.action)
    # A ratio starts itself in each process that begins: that is no news.
    return None if event == "phase" and entry.who == _RATIO else event


def notices(transition: Transition, subscribers: Iterable[Subscriber]) -> tuple[Notice, ...]:
    """What is to be written together with a transition, one for each target that it concerns."""
    event = caused(transition.audit)
    return tuple(
        Notice(subscriber.target, event, transition.state.stable, transition.audit)
        for subscriber in subscribers
        if event is not None and event in subscriber.events
    )


def dead_letter(notice: Notice, why: str, at_s: float) -> AuditEntry:
    """The line that says in the audit log that nobody was told. The state stays as it is."""
    about = notice.entry
    return dataclasses.replace(
        about,
        at_s=at_s,
        who="notifier",
        action="dead_letter",
        why=f"{notice.target} was not told of {notice.event} ({about.action} by {about.who}): {why}",
        from_status=about.to_status,
        from_phase=about.to_phase,
        from_weight_bp=about.to_weight_bp,
        rule="",
        observed=None,
        limit=None,
        samples=None,
    )
