"""Gaps as narrow as a space that lie between columns all the same: the row above or below says so."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .found import Floats
from .segments import Segment

ASIDE = 0.2  # heights that edges of one column are aside of each other at most
LEVEL = 0.5  # of the lower one's height that pieces of one row share
NEAR = 5.0  # heights between the middles of the two rows at most
LIKE = 1.7  # times as high one of them may be as the other


def at_columns(row: Segment, gaps: Floats, reach: Floats, pieces: Floats) -> npt.NDArray[np.bool_]:
    """(n,) whether each of the `gaps` (n, 2), left and right, of a row lies between columns.

    It does where a row nearby has a gap there, too, that is wider, and where what follows begins
    or ends below each other. reach: (n,) where what follows each gap ends. pieces: (m, 4), left,
    top, right, bottom of what all rows come to when they are cut at their wide gaps.
    """
    at = row.slope * (row.left + row.right) / 2
    tall = row.bottom - row.top
    left, top, right, bottom = pieces.T
    high = bottom - top
    away = np.abs((top + bottom) / 2 - (row.top + row.bottom) / 2 - at)
    near = (away > LEVEL * row.height) & (away < NEAR * row.height)
    near &= (high < LIKE * tall) & (tall < LIKE * high)
    aside = ASIDE * row.height

    def parted(one: int, begin: float) -> bool:
        """Whether the nearest piece to the left of piece `one` ends where the gap begins, or before."""
        shared = np.minimum(bottom, bottom[one]) - np.maximum(top, top[one])
        before = (shared > LEVEL * np.minimum(high, high[one])) & (left < begin)
        return bool(before.any() and right[before].max() < begin + aside)

    found = np.zeros(len(gaps), bool)
    for i, (begin, end) in enumerate(gaps.tolist()):
        alike = np.abs(left - end) < aside
        alike |= (np.abs(right - reach[i]) < aside) & (left > begin)
        found[i] = any(parted(one, begin) for one in np.flatnonzero(near & alike).tolist())
    return found
