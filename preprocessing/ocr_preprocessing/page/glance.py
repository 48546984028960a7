"""A look that costs nothing, for images that are plainly one line and need no search for lines."""

from __future__ import annotations

from typing import Final

import numpy as np

from ocr_preprocessing.fast import Gray

LOW: Final = 128  # pixels; what is higher is looked at properly
LONG: Final = 5  # times as wide as high: a line of a few words at least
FAINT: Final = 8.0  # gray levels
INKED: Final = 0.3  # of the strongest row's contrast: a row with writing
VALLEY: Final = 0.7  # of the median of those rows: between two lines there is one that has less
FILLED: Final = 0.35  # of the height: writing, and not a rule or a scrap


def plainly_one_row(gray: Gray) -> bool:
    """Whether a strip (H, W) UINT8 holds one row of writing, by the contrast of its pixel rows.

    False says nothing: two rows, one that is askew, faint, or with much room around it.
    """
    rows, columns = gray.shape
    if rows > LOW or columns < LONG * rows:
        return False
    contrast = gray.std(axis=1)
    if contrast.max() < FAINT:
        return False
    inked = np.flatnonzero(contrast >= INKED * contrast.max())
    top, bottom = int(inked[0]), int(inked[-1]) + 1
    if bottom - top < max(8, FILLED * rows):
        return False
    within = contrast[top:bottom]
    edge = len(within) // 5  # ascenders and descenders
    return bool(within[edge:-edge].min() >= VALLEY * np.median(within))
