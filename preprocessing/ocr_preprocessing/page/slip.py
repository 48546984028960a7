"""Whether what was found is a slip of paper, as tills print them."""

from __future__ import annotations

from typing import Final

import numpy as np

from .found import Floats, FoundPage

# Of 8 real receipts 26 heights are the most, of 12 made ones 32; the narrowest made form has 37.
ACROSS: Final = 34.0  # heights of its usual line that its text is wide
OUTLIERS: Final = 3  # percent of the lines at either edge that may be no text of its own
# Of those receipts .52 is the least; articles that are as narrow have 0.
BESIDE: Final = 0.3  # of the lines stand beside another: names and prices, labels and values
LEAST: Final = 5  # lines; of fewer nothing is told


def is_slip(page: FoundPage) -> bool:
    """Whether the lines are rows of several pieces in a strip that is narrow for such letters."""
    level = [line.quad for line in page.lines if not line.vertical]
    if len(level) < max(LEAST, len(page.lines) / 2):
        return False
    quads = np.array(level)
    high = np.linalg.norm(quads[:, 3] - quads[:, 0], axis=1)
    left = float(np.percentile(quads[:, :, 0].min(axis=1), OUTLIERS))
    right = float(np.percentile(quads[:, :, 0].max(axis=1), 100 - OUTLIERS))
    return right - left <= ACROSS * float(np.median(high)) and _beside(quads, high) >= BESIDE


def _beside(quads: Floats, high: Floats) -> float:
    """Share of the quads (n, 4, 2) whose middle is at the height of another's."""
    middle = quads[:, :, 1].mean(axis=1)
    order = np.argsort(middle)
    near = np.diff(middle[order]) < np.minimum(high[order][1:], high[order][:-1]) / 2
    return float((np.append(near, False) | np.append(False, near)).mean())
