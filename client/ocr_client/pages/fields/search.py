"""Fields on a page: labels, and the values that stand behind, right of, or below them."""

from __future__ import annotations

import dataclasses
import re
import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from ocr_client.pages.structure.placed import Placed, frame_of, placed_box, share
from ocr_client.pages.structure.rows import rows_of
from ocr_client.results import ReadLine
from ocr_client.shapes import Box
from ocr_client.structure import Field

from .labels import Label
from .regexes import TEXT
from .rules import FieldRules, Rule, Where
from .values import value_of

NEAR: Final = 6  # characters between a label and its value at most: RM, ¥, No.; a rate apart
_RATE: Final = re.compile(r"\(?@?\s?\d{1,2}(?:[.,]\d{1,2})?\s?%\)?")  # GST (6%): 1.20
FAR_BELOW: Final = 2.5  # heights of the label
NEXT_BELOW: Final = 4.0  # heights of a value, from it to the next of its column
BESIDE: Final = 2  # pieces right of the label that are looked at, signs not counted
TOP: Final = 8  # lines of the page that may say who it is from
BOUND_S: Final = 2.0  # for one page; then what was found so far is said


@dataclasses.dataclass(frozen=True)
class _Found:
    """rank: of the label, and of the place; the lowest is the best."""

    rank: tuple[int, int]
    field: Field


def fields_of(
    lines: Sequence[ReadLine],
    rules: FieldRules,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Field, ...]:
    """In the order of the rules, each name at most once."""
    page = _Page(lines)
    until = clock() + BOUND_S
    found: dict[str, Field] = {}
    for rule in rules.rules:
        if rule.name in found:
            continue
        if clock() > until:
            break
        field = _picked(rule, list(page.candidates(rule)))
        if field is not None:
            found[rule.name] = field
    if rules.any_of and not any(name in found for name in rules.any_of):
        return ()
    return tuple(found.values())


def _picked(rule: Rule, found: Sequence[_Found]) -> Field | None:
    """Of the best label; then as the rule says."""
    if not found:
        return None
    best = min(one.rank for one in found)
    fields = [one.field for one in found if one.rank[0] == best[0]]
    if rule.pick == "largest":
        return max(fields, key=lambda field: (len(field.value), field.value))
    return fields[-1 if rule.pick == "last" else 0]


class _Page:
    def __init__(self, lines: Sequence[ReadLine]) -> None:
        self._lines = lines
        frame = frame_of([(line.quad, line.vertical) for line in lines])
        pieces = [
            Placed(n, _plain(line.text), *placed_box(frame, line.quad))
            for n, line in enumerate(lines)
        ]
        self._rows = rows_of(pieces)
        self._pieces = [piece for row in self._rows for piece in row]

    def candidates(self, rule: Rule) -> Iterator[_Found]:
        free: list[Where] = [where for where in rule.where if where in {"anywhere", "top"}]
        for row in self._rows:
            for place, piece in enumerate(row):
                if _has(piece, rule.unless) or _has(piece, rule.others):
                    continue
                yield from self._labelled(rule, row, place)
        theirs = set(self._of_others(rule)) if free else set()
        for where in free:
            pieces = self._pieces if where == "anywhere" else self._pieces[:TOP]
            for piece in pieces:
                if piece.line in theirs or _has(piece, rule.unless):
                    continue
                field = self._value(rule, piece, 0, near=False)
                if field is not None:
                    yield _Found((len(rule.labels), rule.where.index(where)), field)

    def _of_others(self, rule: Rule) -> Iterator[int]:
        """Lines with labels of others, and those with what these say: beside and below."""
        for row in self._rows:
            for place, piece in enumerate(row):
                spans = [span for label in rule.others if (span := label.end_in(piece.text))]
                if not spans:
                    continue
                yield piece.line
                end = max(other for _, other in spans)
                if self._at(rule, "same", row, place, end) is not None:
                    continue
                for where in ("right", "below"):
                    field = self._at(rule, where, row, place, end)
                    if field is not None:
                        yield from field.lines

    def _labelled(self, rule: Rule, row: Sequence[Placed], place: int) -> Iterator[_Found]:
        piece = row[place]
        for rank, label in enumerate(rule.labels):
            span = label.end_in(piece.text)
            if span is None:
                continue
            for order, where in enumerate(rule.where):
                field = self._at(rule, where, row, place, span[1])
                if field is not None:
                    yield _Found((rank, order), field)
                    break

    def _at(
        self, rule: Rule, where: Where, row: Sequence[Placed], place: int, end: int
    ) -> Field | None:
        if where == "same":
            return self._value(rule, row[place], end, near=True)
        if where == "right":
            right = [one for one in row[place + 1 :] if any(map(str.isalnum, one.text))]
            found = (self._value(rule, one, 0, near=True) for one in right[:BESIDE])
            return next((one for one in found if one is not None), None)
        if where == "below":
            below = self._below(row[place])
            return None if below is None else self._value(rule, below, 0, near=True)
        if where == "foot":
            return self._foot(rule, row[place])
        return None

    def _foot(self, rule: Rule, head: Placed) -> Field | None:
        """The last of the values that stand below each other, under the head of their column.

        What has words before its value is none of the column (one letter may be a misread ¥), nor is a row that the rule's
        `not` names: the sum of sums below a table.
        """
        found: Field | None = None
        above = head
        while (below := self._below(above, NEXT_BELOW)) is not None:
            row = next(row for row in self._rows if below in row)
            field = self._value(rule, below, 0, near=True)
            if field is None or any(_has(piece, rule.unless) for piece in row):
                break
            if sum(map(str.isalpha, below.text[: below.text.find(field.text)])) > 1:
                break
            found, above = field, below
        return found

    def _below(self, label: Placed, far: float = FAR_BELOW) -> Placed | None:
        under = [
            one
            for one in self._pieces
            if one.top - label.top > 0
            and one.top - label.bottom < far * label.height
            and one.middle[1] > label.bottom
            and share((one.left, one.right), (label.left, label.right)) > 0.3
        ]
        return min(under, key=lambda one: one.top, default=None)

    def _value(self, rule: Rule, piece: Placed, start: int, *, near: bool) -> Field | None:
        text = piece.text[:TEXT]
        found = rule.value.search(text, min(start, len(text)))
        if found is None:
            return None
        group = "value" if "value" in rule.value.groupindex else 0
        begin, end = found.span(group)
        if begin < 0 or (near and len(_RATE.sub("", text[start:begin])) > NEAR):
            return None
        value = value_of(found[group], rule.kind)
        if value is None:
            return None
        return Field(
            rule.name, value, found[group].strip(), self._box(piece.line, begin, end), (piece.line,)
        )

    def _box(self, number: int, begin: int, end: int) -> Box:
        """Of these characters where each has a place, else of the line."""
        line = self._lines[number]
        characters = line.characters[begin:end]
        if len(line.characters) != len(line.text) or not characters:
            return line.box
        _, top, _, bottom = line.box
        sides = [(one.left, one.right) for one in characters]
        downs = [(one.top, one.bottom) for one in characters if one.bottom > one.top]
        return (
            min(one for one, _ in sides),
            min((one for one, _ in downs), default=top),
            max(other for _, other in sides),
            max((other for _, other in downs), default=bottom),
        )


def _has(piece: Placed, labels: Sequence[Label]) -> bool:
    return any(label.end_in(piece.text) for label in labels)


def _plain(text: str) -> str:
    """Full-width letters as others, each in its place."""
    return "".join(
        folded if len(folded := unicodedata.normalize("NFKC", one)) == 1 else one for one in text
    )
