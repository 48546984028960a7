"""Which parts of the ink may be letters, by their size and strokes; marks are smaller ones."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from .parts import Parts
from .splinters import without_splinters

LARGEST_SHARE = 0.9  # of the page's sides; a letter as large as the page is its frame
SMALL = 8  # times as large is the page that a part is cut off by
SOLID = 0.85  # share of its box; letters with more are bars and blocks
HOLDS = 10  # parts inside its box make a part a frame or a picture; dense characters have few
BLOCK = 0.92  # share of its box; a bullet or a bar with more, if it is as large as a letter
MOST_FRAMES = 1000  # of the largest parts are looked at; more are noise
LONGEST = 15  # times as long as wide; a word whose letters touch is shorter
MARK = 0.45  # of the usual height: dots, commas, accents, dashes and splinters of letters
RULE = 0.2  # of the usual height; what is thinner than that
LONG = 1.4  # and longer than that is the rest of a rule
HUNG = 2.5  # times as wide as high is the rest of a rule on which a letter hangs, with ink of
ONE = 1.4  # strokes as long as it is wide; words whose letters touch have two and more


@dataclasses.dataclass(frozen=True)
class Sorted:
    """letters: parts that lines are built of. marks: parts that join lines they lie in.

    height: the usual height of a letter, 0 where there is none.
    """

    letters: Parts
    marks: Parts
    height: float


def plausible(parts: Parts, others: Parts, *, rows: int, columns: int, least: int) -> Parts:
    """Leaves out frames, pictures and blots. others: ink of the other polarity.

    rows, columns: of the page. least: pixels of the lowest writing.
    """
    width, height, long = parts.width, parts.height, parts.longer
    fill = parts.area / np.maximum(width * height, 1)
    page = (height >= LARGEST_SHARE * rows) & (width >= LARGEST_SHARE * columns)
    block = (fill > SOLID) & (np.minimum(width, height) > 3 * least)
    # A stroke thicker than half of what is high is a blot, but for bars (l, 1, -) and heavy type.
    blot = (parts.stroke > 0.5 * long) & (long > 3 * least)
    # What the page's edge cuts is not to be read; a line cut out close touches it everywhere.
    cut = (parts.left <= 0) | (parts.top <= 0) | (parts.right >= columns) | (parts.bottom >= rows)
    cut &= (height * SMALL < rows) & (width * SMALL < columns)
    kept = parts[~page & ~block & ~blot & ~cut]
    inside = [some[some.height >= least] for some in (kept, others)]
    large = np.flatnonzero(np.minimum(kept.width, kept.height) > 3 * least)
    frame = np.zeros(len(kept), bool)
    for i in large[np.argsort(-kept.area[large], kind="stable")][:MOST_FRAMES].tolist():
        frame[i] = sum(_held(kept, i, some) for some in inside) > HOLDS
    return kept[~frame]


def _held(parts: Parts, i: int, some: Parts) -> int:
    """How many parts lie inside the box of part `i`, itself included."""
    held = (some.left >= parts.left[i]) & (some.right <= parts.right[i])
    held &= (some.top >= parts.top[i]) & (some.bottom <= parts.bottom[i])
    return int(np.count_nonzero(held))


def sort_parts(parts: Parts, *, least: int) -> Sorted:
    """The letters of the usual height and above, put together of splinters, and the rest."""
    usual = usual_height(parts, least)
    if not usual:
        return Sorted(parts[:0], parts, 0.0)
    parts = without_splinters(parts, usual)
    usual = usual_height(parts, least)
    shorter = np.minimum(parts.width, parts.height)
    rule = (shorter < RULE * usual) & (parts.longer > LONG * usual)
    rule |= parts.longer > LONGEST * shorter
    # A letter that hangs on the rest of a rule: little more ink than one stroke from end to end.
    hung = (parts.width > HUNG * parts.height) & (parts.height > MARK * usual)
    rule |= hung & (parts.area < ONE * parts.stroke * parts.width)
    block = (parts.area > BLOCK * parts.width * parts.height) & (shorter > 0.5 * usual)
    parts = parts[~rule & ~block]
    letter = parts.height >= max(least, MARK * usual)
    return Sorted(parts[letter], parts[~letter], usual)


def usual_height(parts: Parts, least: int) -> float:
    """Median height of the parts that could be letters by themselves, weighted by height.

    Weighted, because a page has more dots and splinters than letters. 0 where there are none.
    """
    heights = np.sort(parts.height[parts.height >= least])
    if not len(heights):
        return 0.0
    share = np.cumsum(heights)
    return float(heights[np.searchsorted(share, share[-1] / 2)])


def outside(parts: Parts, low: npt.NDArray[np.float64], high: npt.NDArray[np.float64]) -> Parts:
    """The parts whose middles lie in none of the boxes `low`..`high` (n, 2)."""
    x, y = (parts.left + parts.right) / 2, (parts.top + parts.bottom) / 2
    free = np.ones(len(parts), bool)
    for (left, top), (right, bottom) in zip(low.tolist(), high.tolist(), strict=True):
        free &= ~((x > left) & (x < right) & (y > top) & (y < bottom))
    return parts[free]
