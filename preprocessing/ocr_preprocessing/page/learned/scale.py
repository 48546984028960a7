"""At which size a page is shown to the model. Pure."""

from __future__ import annotations

import dataclasses

import numpy as np

from ocr_preprocessing.page.found import Floats

FIRST = 1_000_000  # pixels at which a page is looked at first: A4 is 1,189 high then
FURTHEST = 4.0  # times smaller than it is at most, whatever its size
LARGEST = 64_000_000  # pixels; a page is never looked at larger than that
LOW = 9.0  # pixels; lower lines are read off too coarsely
MANY = 0.25  # of the lines are low: then the page is looked at again
CLOSER = 2.0  # times as large as the first time, at most


@dataclasses.dataclass(frozen=True)
class Look:
    """shrink: pixels of the page to one that the model sees, 1 or more. rows, columns: of those."""

    shrink: float
    rows: int
    columns: int


def first_look(rows: int, columns: int) -> Look:
    """So small that it is quick, but not so small that nothing could be seen."""
    area = rows * columns
    shrink = min((area / FIRST) ** 0.5, FURTHEST)
    return _look(rows, columns, max(shrink, (area / LARGEST) ** 0.5))


def closer_look(look: Look, rows: int, columns: int, heights: Floats) -> Look | None:
    """A second one where much of what was found is too low; None: the first was near enough.

    heights: of the lines, in pixels that the model saw. rows, columns: of the page.
    """
    if look.shrink <= 1 or not len(heights) or np.mean(heights < LOW) < MANY:
        return None
    closest = max(1.0, (rows * columns / LARGEST) ** 0.5)
    shrink = max(look.shrink / CLOSER, closest)
    return _look(rows, columns, shrink) if shrink < 0.9 * look.shrink else None


def _look(rows: int, columns: int, shrink: float) -> Look:
    shrink = max(1.0, shrink)
    return Look(shrink, max(1, round(rows / shrink)), max(1, round(columns / shrink)))
