"""Rows of letters cut at wide gaps, each piece with its slope and its box: what may be a line."""

from __future__ import annotations

import dataclasses

import numpy as np

from .found import Floats
from .parts import Numbers, Parts

USUAL = 70  # per cent of a line's letters are not higher: capitals, and not splinters
STEEPEST = 0.12  # rise over run that a line of a level page may have: pages are bent
LEAST_LETTERS = 6  # of fewer the slope is not measured
SHORT = 5  # heights; of shorter rows neither
NEAR = 0.8  # heights; marks that near to a line belong to it
BAND = 0.35  # heights above and below a line's letters that its marks may reach to
FLAT = 3.0  # times as wide as high: a dash, or the rest of a rule, which is no part of a line
INSIDE = 0.22  # heights that a dash is inside of a line; rules run along its edges
SPREAD = 0.9  # heights that the middles of one line's letters spread over at most
LONG = 1.8  # times as wide as high, and
SOLID = 0.75  # of its box filled: a dash
DASHES = 0.7  # of a row; then it is a rule


@dataclasses.dataclass(frozen=True)
class Segment:
    """A piece of a row in pixels of the levelled page.

    slope: rise of y over x. top, bottom: y of its upper and lower edge where x is 0.
    height: usual height of its letters. letters, marks: their numbers, letters from left to right.
    """

    left: float
    right: float
    top: float
    bottom: float
    slope: float
    height: float
    letters: Numbers
    marks: Numbers

    @property
    def corners(self) -> Floats:
        """(4, 2): top-left, top-right, bottom-right, bottom-left."""
        x = np.array([self.left, self.right, self.right, self.left])
        y = np.array([self.top, self.top, self.bottom, self.bottom])
        return np.stack([x, y + self.slope * x], axis=1)


def segments_of(letters: Parts, rows: Numbers) -> list[Segment]:
    """All rows whole, without marks; rows: the number of its row for each letter."""
    order = np.lexsort((letters.left, rows))
    bounds = np.flatnonzero(np.diff(rows[order])) + 1
    none = np.zeros(0, np.int64)
    return [
        segment(letters, row, letters, none)
        for members in np.split(order, bounds)
        for row in _unravelled(letters, members)
        if not _is_dashes(letters, row)
    ]


def segment(letters: Parts, members: Numbers, marks: Parts, of_marks: Numbers) -> Segment:
    """The piece that these letters and marks are."""
    height = float(np.percentile(letters.height[members], USUAL))
    slope = _slope(letters, members, height)
    sides = []
    for parts, chosen in ((letters, members), (marks, of_marks)):
        at = slope * (parts.left[chosen] + parts.right[chosen]) / 2
        sides.append(
            np.stack(
                [
                    parts.left[chosen],
                    -parts.right[chosen],
                    parts.top[chosen] - at,
                    at - parts.bottom[chosen],
                ]
            )
        )
    left, right, top, bottom = np.concatenate(sides, axis=1).min(axis=1).tolist()
    return Segment(left, -right, top, -bottom, slope, height, members, of_marks)


def _slope(letters: Parts, members: Numbers, height: float) -> float:
    """Of the feet of letters, by the median of the slopes of far pairs (after Theil and Sen).

    0 for few letters: those with descenders must be in the minority.
    """
    x = (letters.left[members] + letters.right[members]) / 2
    if len(x) < LEAST_LETTERS or np.ptp(x) < SHORT * height:
        return 0.0
    y = letters.bottom[members]
    half = len(x) // 2
    far = x[-half:] - x[:half]
    slopes = (y[-half:] - y[:half])[far > 0] / far[far > 0]
    return float(np.clip(np.median(slopes), -STEEPEST, STEEPEST)) if len(slopes) else 0.0


def _unravelled(letters: Parts, members: Numbers) -> list[Numbers]:
    """Rows that a tall letter or a stain had joined, one by one."""
    height = float(np.median(letters.height[members]))
    x = (letters.left[members] + letters.right[members]) / 2
    level = (letters.top[members] + letters.bottom[members]) / 2
    level = level - _slope(letters, members, height) * x
    if np.ptp(level) < SPREAD * height:
        return [members]
    order = np.argsort(level, kind="stable")
    cuts = np.flatnonzero(np.diff(level[order]) > 0.4 * height) + 1
    return [members[np.sort(part)] for part in np.split(order, cuts)]


def _is_dashes(letters: Parts, members: Numbers) -> bool:
    width, height = letters.width[members], letters.height[members]
    dash = (width > LONG * height) & (letters.area[members] > SOLID * width * height)
    return bool(dash.mean() > DASHES)


def with_marks(letters: Parts, marks: Parts, segments: list[Segment]) -> list[Segment]:
    """The segments with the marks that lie in or next to them."""
    if not segments or not len(marks):
        return segments
    x = (marks.left + marks.right) / 2
    flat = marks.width > FLAT * marks.height
    owner = np.full(len(marks), -1)
    nearest = np.full(len(marks), np.inf)
    for i, one in enumerate(segments):
        at = one.slope * x
        room = np.where(flat, -INSIDE, BAND) * one.height
        inside = (marks.top - at > one.top - room) & (marks.bottom - at < one.bottom + room)
        away = np.maximum(np.maximum(one.left - marks.right, marks.left - one.right), 0)
        closer = inside & (away < NEAR * one.height) & (away < nearest)
        owner[closer], nearest[closer] = i, away[closer]
    order = np.argsort(owner, kind="stable")
    bounds = np.searchsorted(owner[order], np.arange(len(segments) + 1))
    return [
        segment(letters, one.letters, marks, order[bounds[i] : bounds[i + 1]])
        if bounds[i] < bounds[i + 1]
        else one
        for i, one in enumerate(segments)
    ]
