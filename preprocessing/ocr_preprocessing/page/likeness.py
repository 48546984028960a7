"""How much a segment looks like text: 0..1, from its strokes, its sizes and its company.

Each fact gives a factor: 1 where it speaks for text, less where it speaks against. Two letters or
one could be anything; they are text where they are like the surer lines nearby.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from .found import Floats
from .parts import Parts
from .segments import Segment

THICK = (0.30, 0.50)  # strokes of the letters' height: as heavy type has at most; never text
UNEVEN_STROKES = (0.35, 0.8)  # deviation of the strokes over their median: of print; of foliage
UNEVEN_HEIGHTS = (0.45, 0.9)  # likewise of heights: x, X and brackets; of stains
OFF_LINE = (0.12, 0.25)  # heights; print stands on a line, specks do not
SURE = 4  # letters of a line that is text by itself
ALONE = {1: 0.2, 2: 0.4, 3: 0.6}  # of fewer, where there is no surer line nearby
LETTER = 1.2  # heights that a letter of a word whose letters touch is wide at most
WORD = 3  # letters; a part as long as fewer is no word
FAINT = (2.0, 4.0)  # times fainter than the page's writing: print of another colour; shadows
FAINT_LETTERS = 10  # a line of so many is text however faint
LIKE = (1.3, 2.2)  # times the height, the strokes, the depth of a line nearby: same type; other
NEAR = 12.0  # heights; lines further away say nothing of a few letters
KEPT = 0.5  # with less it is no line


@dataclasses.dataclass(frozen=True)
class Looks:
    """What a segment looks like. left..bottom: its box. strokes: usual width, in pixels.

    depth: gray levels. letters: how many, each of which may be a word. score: of the segment by itself.
    """

    left: float
    top: float
    right: float
    bottom: float
    height: float
    strokes: float
    depth: float
    letters: int
    score: float


def looks(letters: Parts, one: Segment) -> Looks:
    """Of a segment, by itself."""
    stroke = letters.stroke[one.letters]
    height = letters.height[one.letters].astype(np.float64)
    strokes = float(np.median(stroke))
    uneven_strokes = float(np.median(np.abs(stroke - strokes))) * 1.48 / strokes
    uneven_heights = float(np.median(np.abs(height - one.height))) * 1.48 / one.height
    score = (
        _falling(strokes / one.height, THICK)
        * _falling(uneven_strokes, UNEVEN_STROKES)
        * _falling(uneven_heights, UNEVEN_HEIGHTS)
        * _falling(_off_line(letters, one), OFF_LINE)
    )
    low, high = one.corners.min(axis=0), one.corners.max(axis=0)
    (left, top), (right, bottom) = low.tolist(), high.tolist()
    return Looks(
        left=left,
        top=top,
        right=right,
        bottom=bottom,
        height=one.height,
        strokes=strokes,
        depth=float(np.median(letters.depth[one.letters])),
        letters=len(one.letters),
        score=score,
    )


def _off_line(letters: Parts, one: Segment) -> float:
    """Heights that its letters stand off a common line: at their feet, heads or middles."""
    at = one.slope * (letters.left[one.letters] + letters.right[one.letters]) / 2
    top, bottom = letters.top[one.letters] - at, letters.bottom[one.letters] - at
    lines = np.stack([top, bottom, (top + bottom) / 2])
    off = np.median(np.abs(lines - np.median(lines, axis=1, keepdims=True)), axis=1)
    return float(off.min()) / one.height


def scores(found: list[Looks]) -> Floats:
    """(n,) of segments, each in the company of the others."""
    if not found:
        return np.zeros(0)
    table = np.array([dataclasses.astuple(one) for one in found])
    left, top, right, bottom, height, strokes, depth, letters, score = table.T
    # A word whose letters touch is one part, but a long one.
    long = np.maximum(right - left, bottom - top) // (LETTER * height)
    count = np.where(long >= WORD, np.maximum(letters, long), letters)
    sure = np.flatnonzero((count >= SURE) & (letters > 1) & (score > KEPT))
    usual = _weighted_median(depth[sure], count[sure])
    result = np.where(count < FAINT_LETTERS, score * _falling_all(usual / depth, FAINT), score)
    for i in np.flatnonzero(count < SURE).tolist():
        apart = np.maximum(
            np.maximum(left[sure] - right[i], left[i] - right[sure]),
            np.maximum(top[sure] - bottom[i], top[i] - bottom[sure]),
        )
        alike = np.where(apart < NEAR * height[i], 1.0, 0.0)
        for of in (height, strokes, depth):
            alike *= _falling_all(np.maximum(of[sure] / of[i], of[i] / of[sure]), LIKE)
        result[i] *= max(ALONE[int(max(count[i], 1))], float(alike.max(initial=0.0)))
    return np.asarray(result, np.float64)


def _weighted_median(values: Floats, weights: Floats) -> float:
    """0 of none."""
    if not len(values):
        return 0.0
    order = np.argsort(values)
    share = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(share, share[-1] / 2)])


def _falling(value: float, limits: tuple[float, float]) -> float:
    """1 up to the first limit, 0 from the second on."""
    return float(_falling_all(np.array([value]), limits)[0])


def _falling_all(values: Floats, limits: tuple[float, float]) -> Floats:
    good, bad = limits
    return np.asarray(np.clip((bad - values) / (bad - good), 0, 1), np.float64)
