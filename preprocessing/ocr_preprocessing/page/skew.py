"""By how much a page is turned: the angle at which the feet of its letters fall into few rows.

Source of the idea: H. S. Baird, The skew angle of printed documents, 1987.
"""

from __future__ import annotations

import numpy as np

from .found import Floats
from .parts import Parts

COARSE = 0.25  # degrees
FINE = 0.05
LEAST_PARTS = 15  # of fewer, every angle puts some into a row
BETTER = 1.15  # than level, or the page is left as it is


def skew_of(parts: Parts, widest: float) -> float:
    """Degrees by which the lines of a page rise, counter-clockwise positive; 0 where unclear.

    widest: degrees to both sides.
    """
    if len(parts) < LEAST_PARTS or widest == 0:
        return 0.0
    across = np.asarray((parts.left + parts.right) / 2, np.float64)
    down = np.asarray((parts.top + parts.bottom) / 2, np.float64)
    row = float(np.median(parts.height)) / 4
    column = float(np.median(parts.width)) / 4
    best, found = 0.0, 0.0
    # Rows gather at the feet of letters, columns of vertical text at their left edges.
    for along, feet, step in (
        (across, np.asarray(parts.bottom, np.float64), max(1.0, row)),
        (-down, np.asarray(parts.left, np.float64), max(1.0, column)),
    ):
        angles = np.arange(-widest, widest + COARSE / 2, COARSE)
        sharp = _sharpness(along, feet, step, angles)
        top = float(angles[int(np.argmax(sharp))])
        level = float(_sharpness(along, feet, step, np.zeros(1))[0])
        if sharp.max() < BETTER * level:
            top = 0.0
        near = top + np.arange(-2 * COARSE, 2 * COARSE + FINE / 2, FINE)
        fine = _sharpness(along, feet, step, near)
        peak = float(fine.max()) * step  # a wider row gathers more
        if peak > best:
            best, found = peak, float(near[int(np.argmax(fine))])
    return round(float(np.clip(found, -widest, widest)), 2)


def _sharpness(along: Floats, feet: Floats, step: float, angles: Floats) -> Floats:
    """For each angle the sum of squares of how many feet share a row, per part."""
    slopes = np.tan(np.radians(angles))
    levels = np.floor((feet[None] + slopes[:, None] * along[None]) / step).astype(np.int64)
    levels -= levels.min()
    width = int(levels.max()) + 1
    numbers = levels + np.arange(len(angles))[:, None] * width
    counts = np.bincount(numbers.ravel(), minlength=width * len(angles)).reshape(-1, width)
    return np.asarray((counts.astype(np.float64) ** 2).sum(axis=1) / len(feet), np.float64)
