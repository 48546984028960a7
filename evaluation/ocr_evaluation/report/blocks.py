"""What a report is made of, whatever it is written as."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Literal

from .marking import Part
from .pictures import Picture

Tone = Literal["", "quiet", "good", "warn", "bad"]


@dataclasses.dataclass(frozen=True)
class Heading:
    text: str


@dataclasses.dataclass(frozen=True)
class Text:
    """A paragraph. tone: `warn` is loud."""

    text: str
    tone: Tone = ""


@dataclasses.dataclass(frozen=True)
class Answer:
    """The question, what is recommended, and what that rests on."""

    question: str
    about: tuple[str, ...]
    recommended: str
    why: str
    tone: Tone


@dataclasses.dataclass(frozen=True)
class Listing:
    """Points of one side. items: (sentence, whether it blocks). flag: what stands before those."""

    title: str
    items: tuple[tuple[str, bool], ...]
    nothing: str
    flag: str
    tone: Tone


@dataclasses.dataclass(frozen=True)
class Listings:
    """Beside each other where there is room."""

    parts: tuple[Listing, ...]


@dataclasses.dataclass(frozen=True)
class Orders:
    """(what it does, command)."""

    title: str
    commands: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True)
class Table:
    """tones: of the rows, where any has one. words: columns of text; the others are figures."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: frozenset[int] = frozenset({0})
    tones: Sequence[Tone] = ()


@dataclasses.dataclass(frozen=True)
class Figure:
    """drawing: SVG; None: `nothing` says, loudly, what is not known."""

    title: str
    about: str
    drawing: str | None
    nothing: str


@dataclasses.dataclass(frozen=True)
class Beside:
    """Beside each other where there is room."""

    parts: tuple[Figure | Table, ...]


@dataclasses.dataclass(frozen=True)
class Side:
    """A text of a disagreement with its arm; role: `stable` or `candidate`."""

    role: Literal["stable", "candidate"]
    arm: str
    empty: str


@dataclasses.dataclass(frozen=True)
class Dispute:
    """parts: both texts, edit by edit. edits: each in words. notes: distance, and who was right.

    alt: of the picture; where there is none, `no_picture` says so.
    """

    number: int
    picture: Picture | None
    alt: str
    no_picture: str
    sides: tuple[Side, Side]
    parts: tuple[Part, ...]
    edits: tuple[str, ...]
    notes: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Legend:
    """How edits are marked. text: with the places {changed}, {missing} and {added} for the words."""

    text: str
    changed: str
    missing: str
    added: str


Block = Heading | Text | Answer | Listings | Orders | Table | Beside | Dispute | Legend


@dataclasses.dataclass(frozen=True)
class Document:
    """title: plain text. language: of the words, as HTML names it."""

    title: str
    made: str
    language: str
    blocks: tuple[Block, ...]
