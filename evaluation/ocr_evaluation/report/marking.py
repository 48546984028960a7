"""Two texts of one image, edit by edit: the fewest edits, as `core.texts.edit_distance` counts them.

Compared is what the distance compares: NFKC, and white space is nobody's fault. It stands in the
marked texts all the same, behind the character that it follows.
"""

from __future__ import annotations

import dataclasses
import itertools
import unicodedata
from collections.abc import Sequence
from typing import Final, Literal

LONGEST: Final = 400  # characters; the table is n * m, and a longer text is shown as one edit
Kind = Literal["same", "changed", "missing", "added"]


@dataclasses.dataclass(frozen=True)
class Part:
    """A stretch of both texts. missing: only stable has it; added: only the candidate has."""

    kind: Kind
    stable: str
    candidate: str


def marked(stable: str, candidate: str) -> tuple[Part, ...]:
    """Both texts in parts, in their order; `same` and edits in turn, edits of one kind together."""
    one, other = _characters(stable), _characters(candidate)
    if max(len(one), len(other)) > LONGEST:
        kind: Kind = "same" if _plain(one) == _plain(other) else "changed"
        return (Part(kind, "".join(one), "".join(other)),)
    steps = _steps(_plain(one), _plain(other))
    found, i, j = [], 0, 0
    for kind, group in itertools.groupby(steps):
        n = len(list(group))
        left = 0 if kind == "added" else n
        right = 0 if kind == "missing" else n
        found.append(Part(kind, "".join(one[i : i + left]), "".join(other[j : j + right])))
        i, j = i + left, j + right
    return tuple(found)


def edits(parts: Sequence[Part]) -> int:
    """How many characters were changed, left out or added."""
    return sum(
        max(len(_plain(_characters(part.stable))), len(_plain(_characters(part.candidate))))
        for part in parts
        if part.kind != "same"
    )


def _characters(text: str) -> list[str]:
    """Each with the white space behind it; what stands before the first one goes with it."""
    found: list[str] = []
    for character in unicodedata.normalize("NFKC", text):
        if found and (character.isspace() or not found[-1].strip()):
            found[-1] += character
        else:
            found.append(character)
    return found


def _plain(characters: Sequence[str]) -> list[str]:
    return [kept for one in characters if (kept := one.strip())]


def _steps(one: Sequence[str], other: Sequence[str]) -> list[Kind]:
    """From the beginning to the end; of ways with as few edits the one that changes first."""
    costs = _costs(one, other)
    steps: list[Kind] = []
    i = j = 0
    while i < len(one) or j < len(other):
        here = costs[i][j]
        if i < len(one) and j < len(other) and one[i] == other[j] and costs[i + 1][j + 1] == here:
            steps.append("same")
        elif i < len(one) and j < len(other) and costs[i + 1][j + 1] == here - 1:
            steps.append("changed")
        elif i < len(one) and costs[i + 1][j] == here - 1:
            steps.append("missing")
        else:
            steps.append("added")
        i += steps[-1] != "added"
        j += steps[-1] != "missing"
    return steps


def _costs(one: Sequence[str], other: Sequence[str]) -> list[list[int]]:
    """Row i, column j: edits between the rest of both from there on."""
    n, m = len(one), len(other)
    table = [[0] * (m + 1) for _ in range(n + 1)]
    table[n] = list(range(m, -1, -1))
    for i in range(n - 1, -1, -1):
        row, below = table[i], table[i + 1]
        row[m] = n - i
        for j in range(m - 1, -1, -1):
            if one[i] == other[j]:
                row[j] = below[j + 1]
            else:
                row[j] = 1 + min(below[j + 1], below[j], row[j + 1])
    return table
