"""Colons set apart from their labels, as receipts have them: two dots in the row of a line."""

from __future__ import annotations

import numpy as np

from .likeness import Looks
from .parts import Parts

MOST_MARKS = 1_500  # more are specks
SAME = 1.7  # times as large the larger dot is at most
DOT = (0.08, 0.35)  # of the line's height
EDGE = 1  # pixel that a dot is larger than it is, for it is measured in whole ones
ROOM = 0.2  # of the line's height that the lower dot may reach below it
BESIDE = 0.15  # of the line's height that their middles are aside at most
APART = (0.15, 0.7)  # of the line's height between them
FAR = 14.0  # heights; a line further away says nothing
LETTERS = 3  # of that line at least


Box = tuple[float, float, float, float]  # left, top, right, bottom


def colon_boxes(marks: Parts, lines: list[Looks]) -> list[tuple[Box, int]]:
    """Box of each colon, and the number of the line in whose row it stands."""
    rows = [i for i, one in enumerate(lines) if one.letters >= LETTERS]
    if not rows or not 2 <= len(marks) <= MOST_MARKS:
        return []
    x = (marks.left + marks.right) / 2
    size = marks.longer.astype(np.float64)
    found: dict[tuple[int, int], tuple[Box, int]] = {}
    for i in rows:
        line = lines[i]
        away = marks.left - line.right
        inside = (marks.top > line.top) & (marks.bottom < line.bottom + ROOM * line.height)
        dot = (size > DOT[0] * line.height) & (size < DOT[1] * line.height + EDGE)
        near = np.flatnonzero(inside & dot & (away > 0) & (away < FAR * line.height))
        for upper in near.tolist():
            gap = marks.top[near] - marks.bottom[upper]
            pair = (gap > APART[0] * line.height) & (gap < APART[1] * line.height)
            pair &= np.abs(x[near] - x[upper]) < BESIDE * line.height
            pair &= np.maximum(size[near], size[upper]) < SAME * np.minimum(size[near], size[upper])
            for lower in near[pair].tolist():
                both = (upper, lower)
                found[both] = (
                    (
                        float(marks.left[list(both)].min()), float(marks.top[upper]),
                        float(marks.right[list(both)].max()), float(marks.bottom[lower]),
                    ),
                    i,
                )  # fmt: skip
    return list(found.values())
