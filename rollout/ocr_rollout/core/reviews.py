"""What reviewers found, as counts: answers of each arm, and images on which the arms disagreed.

Immutable and additive, with a flat form (`to_record`: `KIND/FIELD` -> count) that a store adds
field by field. A store only ever adds, so a review that is taken back is added under `-KIND/FIELD`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from operator import add, sub
from typing import Final, TypeVar

from .counts import RecordError

UNSAID: Final = "unsaid"  # the kind of a line of which nobody said what it is
_BACK: Final = "-"


@dataclasses.dataclass(frozen=True, slots=True)
class Lines:
    """Answers of one arm that somebody checked against the image.

    right: as it should be, after NFKC and without white space. edits: insertions, deletions and
    substitutions that make the answers right; length: characters of the right texts.
    edits2, edits_length, length2: sums of squares and products, for an interval around the CER.
    """

    lines: int = 0
    right: int = 0
    edits: int = 0
    length: int = 0
    edits2: int = 0
    edits_length: int = 0
    length2: int = 0

    @classmethod
    def of(cls, edits: int, length: int) -> Lines:
        """One line."""
        return cls(1, int(edits == 0), edits, length, edits**2, edits * length, length**2)

    def __add__(self, other: Lines) -> Lines:
        return Lines(*map(add, dataclasses.astuple(self), dataclasses.astuple(other)))

    def __sub__(self, other: Lines) -> Lines:
        return Lines(*map(sub, dataclasses.astuple(self), dataclasses.astuple(other)))


@dataclasses.dataclass(frozen=True, slots=True)
class Disputes:
    """Images that both arms read, differently, and that somebody checked.

    candidate_only: the candidate alone was right; stable_only: stable alone; else neither was.
    """

    pairs: int = 0
    candidate_only: int = 0
    stable_only: int = 0

    @classmethod
    def of(cls, *, candidate_right: bool, stable_right: bool) -> Disputes:
        """One image."""
        only = candidate_right and not stable_right, stable_right and not candidate_right
        return cls(1, *map(int, only))

    def __add__(self, other: Disputes) -> Disputes:
        return Disputes(*map(add, dataclasses.astuple(self), dataclasses.astuple(other)))

    def __sub__(self, other: Disputes) -> Disputes:
        return Disputes(*map(sub, dataclasses.astuple(self), dataclasses.astuple(other)))


@dataclasses.dataclass(frozen=True, slots=True)
class Said:
    """What users said of answers without being asked: who was content rarely says so."""

    right: int = 0
    wrong: int = 0

    def __add__(self, other: Said) -> Said:
        return Said(self.right + other.right, self.wrong + other.wrong)

    def __sub__(self, other: Said) -> Said:
        return Said(self.right - other.right, self.wrong - other.wrong)


Tally = Lines | Disputes | Said
T = TypeVar("T", Lines, Disputes, Said)


@dataclasses.dataclass(frozen=True, slots=True)
class Reviews:
    """Of one rollout, by kind of line. feedback: by role, `stable`, `candidate` or `unsaid`."""

    stable: Mapping[str, Lines] = dataclasses.field(default_factory=dict)
    candidate: Mapping[str, Lines] = dataclasses.field(default_factory=dict)
    disputes: Mapping[str, Disputes] = dataclasses.field(default_factory=dict)
    feedback: Mapping[str, Said] = dataclasses.field(default_factory=dict)

    @property
    def stable_total(self) -> Lines:
        return sum(self.stable.values(), Lines())

    @property
    def candidate_total(self) -> Lines:
        return sum(self.candidate.values(), Lines())

    @property
    def disputes_total(self) -> Disputes:
        return sum(self.disputes.values(), Disputes())

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(sorted({*self.stable, *self.candidate, *self.disputes}))


def to_record(kind: str, tally: Tally, *, back: bool = False) -> dict[str, int]:
    """`KIND/FIELD` -> count without the zeros. back: of a review that is taken back."""
    sign = _BACK if back else ""
    return {f"{sign}{kind}/{name}": n for name, n in dataclasses.asdict(tally).items() if n}


def from_record(cls: type[T], record: Mapping[str, int]) -> dict[str, T]:
    """By kind. Raises RecordError on a field of another version."""
    known = {field.name for field in dataclasses.fields(cls)}
    sums: dict[str, dict[str, int]] = {}
    for name, n in record.items():
        kind, _, field = name.removeprefix(_BACK).rpartition("/")
        if field not in known or not kind:
            raise RecordError(f"{name!r} is no count of this version; a newer one wrote it?")
        there = sums.setdefault(kind, dict.fromkeys(known, 0))
        there[field] += -n if name.startswith(_BACK) else n
    empty = cls()
    found = {kind: cls(**values) for kind, values in sums.items()}
    return {kind: tally for kind, tally in found.items() if tally != empty}
