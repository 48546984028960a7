"""Pieces of one character, put together: dot matrix, faint print, the parts of Chinese ones."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .parts import Numbers, Parts, joined, merged

CLOSE = 0.12  # usual heights between the pieces of a character at most
SHARED = 0.5  # of the narrower piece's width lies over the other
FLAT = 2.5  # times as wide as high; two of the same width are a double rule or a sign =
HIGHEST = 1.2  # usual heights that the pieces have together


def without_splinters(parts: Parts, usual: float, *, close: float = CLOSE) -> Parts:
    """Parts one above the other, nearly touching, and no higher than a character, become one.

    close: usual heights between them at most.
    """
    able = np.flatnonzero(parts.height < HIGHEST * usual)
    if len(able) < 2:
        return parts
    some = parts[able]
    pairs = able[_pairs(some, usual, close)]
    if not len(pairs):
        return parts
    return merged(parts, joined(len(parts), pairs))


def _pairs(parts: Parts, usual: float, close: float) -> Numbers:
    """Pairs (m, 2) of parts that belong together, by sorting them into cells of a character."""
    cell = max(2.0, 2 * HIGHEST * usual)
    column = ((parts.left + parts.right) / 2 / cell).astype(np.int64)
    row = ((parts.top + parts.bottom) / 2 / cell).astype(np.int64)
    found = []
    width = int(column.max()) + 3
    order = np.argsort((row + 1) * width + column + 1, kind="stable")
    keys = ((row + 1) * width + column + 1)[order]
    for shift in (0, 1, width - 1, width, width + 1):
        first = np.searchsorted(keys, keys + shift, side="left")
        count = np.searchsorted(keys, keys + shift, side="right") - first
        count = np.minimum(count, 64)  # a cell with more is noise
        one = np.repeat(np.arange(len(keys)), count)
        inside = np.arange(len(one)) - np.repeat(np.cumsum(count) - count, count)
        two = np.repeat(first, count) + inside
        pair = np.stack([order[one], order[two]], axis=1)
        if shift == 0:
            pair = pair[one < two]
        found.append(pair[_belong(parts, pair, usual, close)])
    return np.concatenate(found)


def _belong(parts: Parts, pair: Numbers, usual: float, close: float) -> npt.NDArray[np.bool_]:
    one, two = pair.T
    over = np.minimum(parts.right[one], parts.right[two]) - np.maximum(
        parts.left[one], parts.left[two]
    )
    gap = np.maximum(parts.top[one], parts.top[two]) - np.minimum(
        parts.bottom[one], parts.bottom[two]
    )
    high = np.maximum(parts.bottom[one], parts.bottom[two]) - np.minimum(
        parts.top[one], parts.top[two]
    )
    narrow = np.minimum(parts.width[one], parts.width[two])
    wide = np.maximum(parts.right[one], parts.right[two]) - np.minimum(
        parts.left[one], parts.left[two]
    )
    one_flat, two_flat = (parts.width[i] > FLAT * parts.height[i] for i in (one, two))
    bars = one_flat & two_flat & (np.abs(parts.width[one] - parts.width[two]) < 0.15 * wide)
    near = ~bars & (gap <= max(1.0, close * usual)) & (over >= SHARED * narrow)
    return np.asarray(near & (high <= HIGHEST * usual) & (wide <= 2 * HIGHEST * usual), np.bool_)
