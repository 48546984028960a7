"""Gutters: blank spans from top to bottom, with lines on both sides that are read apart.

Those of running text are; so are those that stand in no common rows, a menu and a text. Labels and
their values, and the cells of a table, are not.
"""

from __future__ import annotations

import itertools

import numpy as np

from .boxes import Boxes
from .found import Floats
from .parts import Numbers

GUTTER = 0.8  # line heights between two columns at least
COLUMN_LINES = 3  # lines that a column of running text has at least
COLUMN_WIDTH = 6.0  # line heights that the lines of a column are long
FULL = 0.6  # of its column, that the usual line of running text fills
FULLER = 0.85  # where there are few lines, each beside one of the other column
FEW = 6  # lines are fewer
MOST = 0.75  # of them stand beside others
SAME_ROW = 0.5  # of the lower line's height that lines of a row share
SIDE_LINES = 5  # lines that a menu or another side that is no running text has at least
# Of the lower one's height, that the middles of two lines differ by:
BESIDE = 1.2  # where they are compared at all
RISE = 0.4  # all of them, where the page is not quite level
LEVEL = 0.2  # in a row
REACH = 150  # bands that share a gutter at most
TRIES = 3_000  # for the bands of one part of a page; then none is seen, so that time is bounded
STRAY = 0.5  # of the lines of the side with fewer stand in a row with one of the other

Span = tuple[float, float]


class Bands:
    """Rows of lines, one below the other, and whether some of them share a gutter."""

    def __init__(self, boxes: Boxes, members: list[Numbers]) -> None:
        """members: numbers of the boxes of each band."""
        self.boxes, self.members = boxes, members
        self._least = GUTTER * _usual(boxes.height[np.concatenate(members)])
        self._tries = TRIES

    def free_until(self, start: int) -> int:
        """The band behind the last one down to which some span of x is free."""
        covered: list[Span] = []
        end = min(start + REACH, len(self.members))
        for number in range(start, end):
            spans = _spans(self.boxes, self.members[number])
            covered = _united(covered + spans, self._least)
            if number > start and len(covered) < 2:
                return number
        return end

    def have_gutter(self, start: int, stop: int) -> bool:
        """Whether the bands from `start` up to `stop` share one; False once TRIES are used up."""
        self._tries -= 1
        if self._tries < 0:
            return False
        return gutter_of(self.boxes, np.concatenate(self.members[start:stop])) is not None


def gutter_of(boxes: Boxes, some: Numbers) -> float | None:
    """Where (x) the widest gutter is with running text, or with rows of their own, on its sides."""
    covered = _united(_spans(boxes, some), GUTTER * _usual(boxes.height[some]))
    free = [(before[1], after[0]) for before, after in itertools.pairwise(covered)]
    for begin, end in sorted(free, key=lambda span: span[0] - span[1]):
        right = boxes.left[some] >= end - 0.5
        sides = some[~right], some[right]
        full = FULLER if _like_rows(boxes, *sides) else FULL
        if all(_is_running(boxes, side, full) for side in sides) or _are_strangers(boxes, *sides):
            return (begin + end) / 2
    return None


def _spans(boxes: Boxes, some: Numbers) -> list[Span]:
    """Of x, that these boxes cover."""
    return list(zip(boxes.left[some].tolist(), boxes.right[some].tolist(), strict=True))


def _united(spans: list[Span], least: float) -> list[Span]:
    """In order; those no more than `least` apart are one."""
    found: list[Span] = []
    for left, right in sorted(spans):
        if found and left - found[-1][1] <= least:
            found[-1] = (found[-1][0], max(found[-1][1], right))
        else:
            found.append((left, right))
    return found


def _are_strangers(boxes: Boxes, left: Numbers, right: Numbers) -> bool:
    """Whether the lines of one side do not stand in the rows of the other: a menu and a text.

    All may be off by the same, where the page still rises a little.
    """
    few, many = sorted((left, right), key=len)
    if len(few) < SIDE_LINES:
        return False
    middle = (boxes.top + boxes.bottom) / 2
    many = many[np.argsort(middle[many])]
    after = np.searchsorted(middle[many], middle[few]).clip(1, len(many) - 1)
    above, below = many[after - 1], many[after]
    near = np.where(middle[few] - middle[above] < middle[below] - middle[few], above, below)
    off = (middle[few] - middle[near]) / np.minimum(boxes.height[few], boxes.height[near])
    off = off[np.abs(off) < BESIDE]
    if len(off) < SIDE_LINES:
        return False
    rise = float(np.median(off))
    if abs(rise) < RISE:
        off = off - rise
    return bool((np.abs(off) < LEVEL).mean() < STRAY)


def _usual(values: Floats) -> float:
    """The middle one, of an even number the smaller: `np.median` takes longer than all the rest."""
    middle = (len(values) - 1) // 2
    return float(np.partition(values, middle)[middle])


def _is_running(boxes: Boxes, some: Numbers, full: float) -> bool:
    """Whether these lines are a column of running text, not cells of a table."""
    if len(some) < COLUMN_LINES:
        return False
    width = boxes.right[some] - boxes.left[some]
    column = float(boxes.right[some].max() - boxes.left[some].min())
    usual = _usual(width)
    return usual > COLUMN_WIDTH * _usual(boxes.height[some]) and usual > full * column


def _like_rows(boxes: Boxes, left: Numbers, right: Numbers) -> bool:
    """Whether one side is a few lines, most of them beside one of the other: labels and values,
    as receipts have them, or short columns of text.
    """
    few, many = sorted((left, right), key=len)
    if len(few) >= FEW:
        return False
    inner = np.minimum(boxes.bottom[few, None], boxes.bottom[many]) - np.maximum(
        boxes.top[few, None], boxes.top[many]
    )
    lower = np.minimum(boxes.height[few, None], boxes.height[many])
    return bool((inner >= SAME_ROW * lower).any(axis=1).mean() >= MOST)
