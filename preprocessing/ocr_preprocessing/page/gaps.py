"""Where a row is cut: at gaps wider than a space, which is wider where all letters are."""

from __future__ import annotations

import numpy as np

from .aligned import at_columns
from .colons import LETTERS, Box, colon_boxes
from .found import Floats
from .likeness import looks
from .parts import Parts
from .segments import NEAR, Segment, segment

GAP = 1.05  # heights of the row's letters; spaces between words are about a third
PITCHES = 1.9  # pitches of a typewriter's line: a space is one, and its neighbours' sides
REGULAR = 0.08  # pitches that letters of a typewriter's line stand beside its grid
LEAST_STEPS = 4  # from letter to letter; of fewer the pitch is not measured
ALIGNED = 0.62  # of a gap too wide for a space: enough where a column begins
NARROW = 0.2  # of its height, that a bar is wide
THIN = 0.65  # of the strokes of the letters beside it
HIGH = 1.5  # times as high as they are
TYPEWRITTEN = 0.4  # of the rows of a page; then its short rows are, too


def pieces_of(letters: Parts, marks: Parts, rows: list[Segment]) -> list[Segment]:
    """Rows, cut where a gap is too wide for a space, without what is left of rules at their ends.

    Three fifths of such a gap are enough where the row above or below has a wide one there, too.
    """
    pitch = _pitches(letters, rows).tolist()
    gaps = [_gaps(letters, marks, row, one) for row, one in zip(rows, pitch, strict=True)]
    pieces = [
        piece
        for row, (ends, wide) in zip(rows, gaps, strict=True)
        for piece in _cut(letters, marks, row, ends[wide >= 1, 0])
    ]
    boxes = np.array([_box(one) for one in pieces] + _colons(letters, marks, pieces)).reshape(-1, 4)
    found = []
    for row, (ends, wide) in zip(rows, gaps, strict=True):
        cut = wide >= 1
        maybe = np.flatnonzero((wide >= ALIGNED) & ~cut)
        if len(maybe):
            until = np.append(ends[cut, 0], row.right)
            reach = until[np.searchsorted(until, ends[maybe, 1])]
            cut[maybe] = at_columns(row, ends[maybe], reach, boxes)
        found += _cut(letters, marks, row, ends[cut, 0])
    return [_without_bars(letters, marks, piece) for piece in found]


def _gaps(letters: Parts, marks: Parts, row: Segment, pitch: float) -> tuple[Floats, Floats]:
    """Left and right (n, 2) of what is blank in a row, and its shares of a gap too wide for a space."""
    high = float(np.percentile(letters.height[row.letters], 75))
    left = np.concatenate([letters.left[row.letters], marks.left[row.marks]])
    right = np.concatenate([letters.right[row.letters], marks.right[row.marks]])
    order = np.argsort(left, kind="stable")
    ends = np.stack([np.maximum.accumulate(right[order])[:-1], left[order][1:]], axis=1)
    return ends, (ends[:, 1] - ends[:, 0]) / max(GAP * high, PITCHES * pitch)


def _cut(letters: Parts, marks: Parts, row: Segment, cuts: Floats) -> list[Segment]:
    """A row in pieces that end where the `cuts` are."""
    if not len(cuts):
        return [row]
    letter_side = np.searchsorted(cuts, letters.left[row.letters], side="left")
    mark_side = np.searchsorted(cuts, marks.left[row.marks], side="left")
    return [
        segment(letters, row.letters[letter_side == i], marks, row.marks[mark_side == i])
        for i in range(len(cuts) + 1)
        if (letter_side == i).any()
    ]


def _colons(letters: Parts, marks: Parts, pieces: list[Segment]) -> list[Box]:
    """Of colons that stand alone, each as high as the line beside it."""
    beside = [looks(letters, one) for one in pieces if len(one.letters) >= LETTERS]
    return [
        (left, beside[i].top, right, beside[i].bottom)
        for (left, _, right, _), i in colon_boxes(marks, beside)
    ]


def _box(piece: Segment) -> Box:
    at = piece.slope * (piece.left + piece.right) / 2
    return piece.left, piece.top + at, piece.right, piece.bottom + at


def _pitches(letters: Parts, rows: list[Segment]) -> Floats:
    """(n,) pixels from letter to letter where they stand on a grid, 0 where they do not.

    Rows too short or too worn to tell are as most others of the page are.
    """
    measured = [_pitch(letters, row) for row in rows]
    known = [one / row.height for one, row in zip(measured, rows, strict=True) if one is not None]
    grids = [ratio for ratio in known if ratio]
    typewritten = len(grids) > TYPEWRITTEN * len(known)
    usual = float(np.median(grids)) if typewritten else 0.0
    return np.array([one or usual * row.height for one, row in zip(measured, rows, strict=True)])


def _pitch(letters: Parts, row: Segment) -> float | None:
    """Pixels from letter to letter, 0 where they differ, None for too few letters."""
    middles = (letters.left[row.letters] + letters.right[row.letters]) / 2
    steps = np.diff(middles)
    steps = steps[steps > 0.3 * row.height]
    if len(steps) < LEAST_STEPS:
        return None
    pitch = float(np.median(steps[steps < 1.5 * np.median(steps)]))
    off = np.abs(steps / pitch - np.maximum(np.rint(steps / pitch), 1))
    return pitch if float(np.median(off)) < REGULAR else 0.0


def _without_bars(letters: Parts, marks: Parts, piece: Segment) -> Segment:
    """Without bars at its ends that are thinner than its strokes, or higher than its letters."""
    members = piece.letters
    if len(members) < 2:
        return piece
    width, height = letters.width[members], letters.height[members]
    thin = letters.stroke[members] < THIN * np.median(letters.stroke[members])
    bar = (width < NARROW * height) & (thin | (height > HIGH * piece.height))
    kept = np.flatnonzero(~bar)
    if not bar[[0, -1]].any() or not len(kept):
        return piece
    inner = members[kept[0] : kept[-1] + 1]
    left, right = letters.left[inner].min(), letters.right[inner].max()
    room = NEAR * piece.height
    near = (marks.right[piece.marks] > left - room) & (marks.left[piece.marks] < right + room)
    return segment(letters, inner, marks, piece.marks[near])
