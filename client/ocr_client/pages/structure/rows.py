"""Pieces of text that stand side by side, as rows from top to bottom."""

from __future__ import annotations

from collections.abc import Iterable

from .placed import Placed, share

LEVEL = 0.5  # of the lower one's height that pieces of a row share
OVER = 0.25  # of the narrower one's width that two pieces of a row share at most


def rows_of(pieces: Iterable[Placed]) -> list[list[Placed]]:
    """Each from left to right."""
    rows: list[list[Placed]] = []
    for piece in sorted(pieces, key=lambda one: one.top + one.bottom):
        row = next((row for row in reversed(rows[-3:]) if _fits(row, piece)), None)
        if row is None:
            rows.append([piece])
        else:
            row.append(piece)
    rows.sort(key=lambda row: sum(one.top + one.bottom for one in row) / len(row))
    return [sorted(row, key=lambda one: one.left) for row in rows]


def _fits(row: list[Placed], piece: Placed) -> bool:
    nearest = min(row, key=lambda one: abs(one.middle[0] - piece.middle[0]))
    level = share((nearest.top, nearest.bottom), (piece.top, piece.bottom))
    free = all(share((one.left, one.right), (piece.left, piece.right)) < OVER for one in row)
    return level >= LEVEL and free


def extent(row: list[Placed]) -> tuple[float, float]:
    """top, bottom."""
    return min(one.top for one in row), max(one.bottom for one in row)
