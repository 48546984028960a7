"""Letters that stand side by side, as rows.

Every letter looks to its right along three lines of sight; the first letter of about its own
size that it sees there, near enough, is its neighbour. Neighbours of neighbours are a row.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .parts import Numbers, Parts, joined

REACH = 3.2  # heights of the higher letter: over a space, a dash and a space of a typewriter
LIKE = 2.4  # times as high a neighbour may be: x against brackets
HIGHER = 1.5  # times the lower letter's height counts at most
SHARED = 0.5  # of the lower one's height lie beside the other
SIGHTS = (0.25, 0.5, 0.75)  # of a letter's height
STEPS = 12  # cells of a usual letter's height


def rows_of(letters: Parts, usual: float) -> Numbers:
    """The number of its row for each letter."""
    return joined(len(letters), neighbours(letters, usual))


def neighbours(letters: Parts, usual: float) -> Numbers:
    """Pairs (m, 2) of letters side by side, the left one first."""
    count = len(letters)
    cell = max(1.0, usual / STEPS)
    field = _painted(letters, cell)
    height = letters.height
    number = np.tile(np.arange(count), len(SIGHTS))
    eye = np.concatenate([letters.top + share * height for share in SIGHTS])
    row = np.clip((eye / cell).astype(np.int64), 0, field.shape[0] - 1)
    start = np.tile((letters.right / cell).astype(np.int64), len(SIGHTS))
    reach = np.tile((HIGHER * REACH * height / cell).astype(np.int64) + 1, len(SIGHTS))
    looking = np.arange(len(number))
    pairs = []
    for step in range(-1, int(reach.max(initial=0)) + 1):
        column = start[looking] + step
        looking = looking[(step <= reach[looking]) & (column < field.shape[1])]
        if not len(looking):
            break
        seen = field[row[looking], np.maximum(start[looking] + step, 0)].astype(np.int64) - 1
        hit = (seen >= 0) & (seen != number[looking])
        pairs.append(np.stack([number[looking[hit]], seen[hit]], axis=1))
        looking = looking[~hit]
    edges = np.unique(np.concatenate(pairs), axis=0) if pairs else np.zeros((0, 2), np.int64)
    return np.asarray(edges[_alike(letters, edges)], np.int64)


def _painted(letters: Parts, cell: float) -> Numbers:
    """A picture of the page in cells: 0, or 1 + the number of the letter there."""
    left, top = (letters.left / cell).astype(int), np.maximum(letters.top / cell, 0).astype(int)
    right = np.ceil(letters.right / cell).astype(int)
    bottom = np.ceil(letters.bottom / cell).astype(int)
    field = np.zeros((int(bottom.max(initial=0)) + 1, int(right.max(initial=0)) + 1), np.int64)
    large_first = np.argsort(-(right - left) * (bottom - top), kind="stable")
    spans = zip(*(side[large_first].tolist() for side in (left, top, right, bottom)), strict=True)
    for i, (x0, y0, x1, y1) in zip((large_first + 1).tolist(), spans, strict=True):
        field[y0:y1, x0:x1] = i
    return field


def _alike(letters: Parts, edges: Numbers) -> npt.NDArray[np.bool_]:
    """Which pairs are of like height, beside each other, and near enough."""
    one, two = edges.T
    height = letters.height
    low, high = np.minimum(height[one], height[two]), np.maximum(height[one], height[two])
    shared = np.minimum(letters.bottom[one], letters.bottom[two]) - np.maximum(
        letters.top[one], letters.top[two]
    )
    gap = letters.left[two] - letters.right[one]
    near = gap <= REACH * np.minimum(high, HIGHER * low)
    return np.asarray((high <= LIKE * low) & (shared >= SHARED * low) & near, np.bool_)
