"""Where a rollout stands: one small record, shared by all, changed by compare-and-set.

```
idle ─start─ running ─requirements met─ waiting ─approve─ running (next phase) … completed
               │  └ pause/resume ─ paused            └ gate: auto does not wait
               ├ common cause, or on_failure: freeze ─ frozen ─ resume, or the cause is over
               └ a rule trips, or a person says so ─ rolled_back   (from every state but idle)
```
Judging goes on while running, waiting and paused alike: a gate never switches off the guard.

A store writes a state only where the one it holds still has the generation that the writer read,
and every decision counts `generation` up by one: of many processes that decide the same, one wins.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final, Literal, cast, get_args

from .routing import BUCKETS, Arm, RoutingError

SCHEMA: Final = 1  # of the dictionary form; count up with any change of its meaning

Status = Literal["idle", "running", "waiting", "paused", "frozen", "rolled_back", "completed"]
# Why it is frozen: `common_cause` ends by itself, the others are a person's to end.
Cause = Literal["", "common_cause", "on_failure"]

# The candidate has traffic, so somebody must be able to take it away.
LIVE: Final[frozenset[Status]] = frozenset({"running", "waiting", "paused", "frozen"})


class StateError(ValueError):
    """A stored state that cannot be read. One line: what is wrong and what to do."""


@dataclasses.dataclass(frozen=True, slots=True)
class Tombstone:
    """A candidate that was rolled back. No traffic for these weights until a person clears it.

    digest: of the candidate's weights, so that renaming or copying them brings nothing back.
    at_s: Unix time in seconds.
    """

    digest: str
    arm: str
    rollout_id: str
    reason: str
    at_s: float


@dataclasses.dataclass(frozen=True, slots=True)
class RolloutState:
    """All that is shared about a rollout besides counts.

    generation: counts decisions; every answer to a caller carries it.
    epoch: the generation whose counts the judge looks at; counts of earlier ones are history.
    phase: 0-based index into the plan's phases; meaningless while idle.
    weight_bp: the candidate's share now, in basis points. The only thing routing reads.
    by_hand: a person set the weight; it holds until the next phase.
    dwell_s: seconds of this phase that were watched in earlier epochs of it (see `evidence`).
    entered_at_s: Unix time of the phase's start, for display only: nothing is decided by it.
    held: what `frozen` goes back to, `running` or `paused`. (`waiting` follows from `running`.)
    reason: of the last decision, with its numbers, in one line.
    """

    generation: int = 0
    epoch: int = 0
    status: Status = "idle"
    rollout_id: str = ""
    stable: str = ""
    candidate: str = ""
    digest: str = ""
    phase: int = 0
    weight_bp: int = 0
    by_hand: bool = False
    dwell_s: float = 0.0
    entered_at_s: float = 0.0
    held: Status = "running"
    cause: Cause = ""
    reason: str = ""
    tombstones: tuple[Tombstone, ...] = ()

    @property
    def live(self) -> bool:
        """Whether a rollout is under way: the candidate has traffic or may get some."""
        return self.status in LIVE

    def tombstone_of(self, digest: str) -> Tombstone | None:
        return next((stone for stone in self.tombstones if stone.digest == digest), None)

    def to_dict(self) -> dict[str, Any]:
        """Plain values only; `from_dict` reads it back."""
        return {
            "schema": SCHEMA,
            **dataclasses.asdict(self),
            "tombstones": [dataclasses.asdict(stone) for stone in self.tombstones],
        }

    @classmethod
    def from_dict(cls, document: object) -> RolloutState:
        """Raises StateError on a newer schema, a missing or unknown key, or a value of no sense."""
        values = _versioned(document, "state")
        stones = values.pop("tombstones", None)
        if not isinstance(stones, list | tuple):
            raise StateError("state: tombstones is not a list")
        values["tombstones"] = tuple(_record(Tombstone, stone, "tombstone") for stone in stones)
        state = cast("RolloutState", _record(cls, values, "state"))
        _check(state)
        return state


@dataclasses.dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the append-only log: who did what, when, why, from where to where.

    at_s: Unix time in seconds.
    who: a person's name, or `judge` or `controller`.
    generation: of the state that the action led to.
    rule: of the judge, where it decided; with what it observed, its limit and its samples.
    """

    at_s: float
    who: str
    action: str
    why: str
    generation: int
    rollout_id: str
    candidate: str
    from_status: Status
    to_status: Status
    from_phase: int
    to_phase: int
    from_weight_bp: int
    to_weight_bp: int
    rule: str = ""
    observed: float | None = None
    limit: float | None = None
    samples: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values only; `from_dict` reads it back."""
        return {"schema": SCHEMA, **dataclasses.asdict(self)}

    @classmethod
    def from_dict(cls, document: object) -> AuditEntry:
        """Raises StateError as RolloutState.from_dict does."""
        return cast("AuditEntry", _record(cls, _versioned(document, "audit entry"), "audit entry"))


def _versioned(document: object, what: str) -> dict[str, Any]:
    if not isinstance(document, Mapping):
        raise StateError(f"{what}: {document!r} is not a mapping")
    values = dict(cast("Mapping[str, Any]", document))
    schema = values.pop("schema", None)
    if type(schema) is not int or schema < 1:
        raise StateError(f"{what}: schema {schema!r} is not a version")
    if schema > SCHEMA:
        raise StateError(
            f"{what}: schema {schema} was written by a newer version; this one reads up to "
            f"{SCHEMA}: upgrade this process"
        )
    return values


def _record(kind: type[Any], document: object, what: str) -> Any:
    """A dataclass of plain values from a mapping with exactly its keys and types."""
    if not isinstance(document, Mapping):
        raise StateError(f"{what}: {document!r} is not a mapping")
    fields = {field.name: str(field.type) for field in dataclasses.fields(kind)}
    unknown, missing = set(document) - set(fields), set(fields) - set(document)
    if unknown or missing:
        named = ", ".join(sorted(map(str, unknown | missing)))
        raise StateError(f"{what}: {'unknown' if unknown else 'missing'} key: {named}")
    for name, value in document.items():
        accepted = _TYPES.get(fields[name])
        if accepted is not None and (type(value) not in accepted or value != value):  # noqa: PLR0124  # not-a-number
            raise StateError(f"{what}: {name}: {value!r} is not {fields[name]}")
    return kind(**document)


_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "str": (str,),
    "Status": (str,),
    "Cause": (str,),
    "float | None": (int, float, type(None)),
    "int | None": (int, type(None)),
}


def _check(state: RolloutState) -> None:
    """Raises StateError on values that no decision could have led to."""
    if state.status not in get_args(Status) or state.held not in {"running", "paused"}:
        raise StateError(f"state: status {state.status!r} (held {state.held!r}) is unknown")
    if state.cause not in get_args(Cause):
        raise StateError(f"state: cause {state.cause!r} is unknown")
    if not 0 <= state.weight_bp <= BUCKETS:
        raise StateError(f"state: weight {state.weight_bp} is not within 0..{BUCKETS} basis points")
    if state.status in {"idle", "rolled_back"} and state.weight_bp:
        raise StateError(f"state: {state.status} with weight {state.weight_bp}, not 0")
    if min(state.generation, state.epoch, state.phase) < 0 or state.epoch > state.generation:
        raise StateError("state: generation, epoch or phase is out of range")
    if state.status != "idle":
        try:
            arms = Arm.parse(state.stable), Arm.parse(state.candidate)
        except RoutingError as error:
            raise StateError(f"state: {error}") from None
        if arms[0] == arms[1] or not state.digest:
            raise StateError("state: a rollout needs two arms and the candidate's digest")
