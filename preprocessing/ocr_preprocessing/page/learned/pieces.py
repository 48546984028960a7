"""Pieces of one line that the maps left apart are joined, by their places alone."""

from __future__ import annotations

import numpy as np

from ocr_preprocessing.page.found import Floats
from ocr_preprocessing.page.parts import joined

from .marks import Marks

GAP = 0.45  # of the lower one's height between two pieces of a line, at most
OVER = 0.6  # of it they may overlap along the line
SIDE = 0.25  # of it that their middles lie apart across the line, at most
LIKE = 1.35  # times as high one may be as the other
TURN = 0.12  # radians between their directions


def joined_up(marks: Marks) -> Marks:
    """Lines whose ends are nearer than letters are high become one."""
    if len(marks) < 2:
        return marks
    pairs = _pairs(marks)
    if not len(pairs):
        return marks
    owner = joined(len(marks), pairs)
    groups = [np.flatnonzero(owner == one) for one in range(int(owner.max()) + 1)]
    return Marks(
        np.stack([_around(marks, group) for group in groups]),
        np.array([marks.vertical[group[0]] for group in groups]),
        np.array([marks.thickness[group].max() for group in groups]),
        np.array([_longest(marks, group) for group in groups]),
        np.array([marks.score[group].mean() for group in groups]),
    )


def _pairs(marks: Marks) -> np.ndarray:
    """(m, 2) numbers of pieces that belong together; each is compared with those near it alone."""
    middle = marks.quads.mean(axis=1)
    across, down = _axes(marks)
    length = np.einsum("ni,ni->n", marks.quads[:, 2] - marks.quads[:, 0], across)
    order = np.argsort(middle[:, 1], kind="stable")
    found = []
    reach = np.abs(marks.quads[:, :, 1] - middle[:, 1:]).max(axis=1) + marks.thickness
    most = float(reach.max())
    for place, i in enumerate(order.tolist()):
        stop = np.searchsorted(middle[order, 1], middle[i, 1] + reach[i] + most, "right")
        others = order[place + 1 : stop]
        if not len(others):
            continue
        apart = middle[others] - middle[i]
        low = np.minimum(marks.thickness[others], marks.thickness[i])
        high = np.maximum(marks.thickness[others], marks.thickness[i])
        gap = np.abs(apart @ across[i]) - (length[others] + length[i]) / 2
        fits = (
            (marks.vertical[others] == marks.vertical[i])
            & (high < LIKE * low)
            & (np.abs(apart @ down[i]) < SIDE * low)
            & (gap < GAP * low)
            & (gap > -OVER * low)
            & (np.abs(marks.angle[others] - marks.angle[i]) < TURN)
        )
        found += [(i, j) for j in others[fits].tolist()]
    return np.array(found, np.int64).reshape(-1, 2)


def _axes(marks: Marks) -> tuple[Floats, Floats]:
    """Unit vectors (n, 2): along each line as it is read, and across it."""
    right = np.stack([np.cos(marks.angle), np.sin(marks.angle)], axis=1)
    below = np.stack([-right[:, 1], right[:, 0]], axis=1)
    vertical = marks.vertical[:, None]
    return np.where(vertical, below, right), np.where(vertical, -right, below)


def _longest(marks: Marks, group: np.ndarray) -> float:
    span = np.linalg.norm(marks.quads[group, 2] - marks.quads[group, 0], axis=1)
    return float(marks.angle[group[int(span.argmax())]])


def _around(marks: Marks, group: np.ndarray) -> Floats:
    """The quad around those of the group, turned as the longest."""
    if len(group) == 1:
        return np.asarray(marks.quads[group[0]])
    angle = _longest(marks, group)
    right = np.array([np.cos(angle), np.sin(angle)])
    down = np.array([-right[1], right[0]])
    corners = marks.quads[group].reshape(-1, 2)
    x, y = corners @ right, corners @ down
    box = [(x.min(), y.min()), (x.max(), y.min()), (x.max(), y.max()), (x.min(), y.max())]
    return np.array([a * right + b * down for a, b in box])
