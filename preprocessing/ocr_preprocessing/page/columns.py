"""Which letters stand in columns of vertical text: those nearer to each other down than across.

Only whole, about square characters are asked, for parts of a character (二, i) are always near
above each other, and Latin letters are narrow.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .found import Floats
from .parts import Numbers, Parts, joined
from .rows import neighbours

WHOLE = 0.6  # of the usual height, both sides of a character at least
SQUARE = 1.6  # times as long as the other side at most
CLOSE = 0.65  # usual heights between characters of a column at most
NEARER = 0.75  # of the gap to the next character beside it
LEAST = 3  # characters of a column
MOST = 0.6  # of a column's characters say so
PAGE = 0.5  # of all characters: then the whole page is vertical
NONE = 0.04  # of all characters: then none of it is


def in_columns(letters: Parts, usual: float) -> npt.NDArray[np.bool_]:
    """For each letter whether it stands in a column."""
    nowhere = np.zeros(len(letters), bool)
    size = np.maximum(letters.width, letters.height)
    whole = (np.minimum(letters.width, letters.height) >= WHOLE * usual) & (
        size < SQUARE * np.minimum(letters.width, letters.height)
    )
    if np.count_nonzero(whole) < LEAST:
        return nowhere
    down = letters.transposed()
    below = neighbours(down, usual)
    beside_gap = _nearest(letters, neighbours(letters, usual))
    below_gap = _nearest(down, below)
    says = whole & (below_gap < CLOSE * size) & (below_gap < NEARER * beside_gap)
    says_no = whole & (beside_gap < np.inf) & ~says
    share = np.count_nonzero(says) / max(1, np.count_nonzero(says) + np.count_nonzero(says_no))
    if share > PAGE:
        return ~nowhere
    if share < NONE:
        return nowhere
    column = joined(len(letters), below)
    count = np.bincount(column, weights=whole)
    yes = np.bincount(column, weights=says)
    return np.asarray(((yes >= LEAST) & (yes >= MOST * count))[column], np.bool_)


def _nearest(parts: Parts, pairs: Numbers) -> Floats:
    """For each letter the gap to its nearest neighbour on either side."""
    gap = np.maximum(parts.left[pairs[:, 1]] - parts.right[pairs[:, 0]], 0)
    found = np.full(len(parts), np.inf)
    np.minimum.at(found, pairs[:, 0], gap)
    np.minimum.at(found, pairs[:, 1], gap)
    return found
