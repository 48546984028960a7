"""Connected ink as a table: one row for each part, whatever strips the page was read in."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import cv2
import numpy as np
import numpy.typing as npt

from ocr_preprocessing.fast import Gray

Numbers = npt.NDArray[np.int64]
_FIELDS = ("left", "top", "right", "bottom", "area", "edge", "deep")


@dataclasses.dataclass(frozen=True)
class Parts:
    """Connected ink: its box (right and bottom exclusive) in pixels, all arrays (n,).

    area: pixels of ink. edge: those of them at the edge. deep: sum of their depths.
    """

    left: Numbers
    top: Numbers
    right: Numbers
    bottom: Numbers
    area: Numbers
    edge: Numbers
    deep: Numbers

    def __len__(self) -> int:
        return len(self.left)

    def __getitem__(self, chosen: npt.NDArray[np.bool_] | Numbers | slice) -> Parts:
        return Parts(*(getattr(self, field)[chosen] for field in _FIELDS))

    def __add__(self, other: Parts) -> Parts:
        return Parts(
            *(np.concatenate([getattr(self, field), getattr(other, field)]) for field in _FIELDS)
        )

    @property
    def width(self) -> Numbers:
        return self.right - self.left

    @property
    def height(self) -> Numbers:
        return self.bottom - self.top

    @property
    def longer(self) -> Numbers:
        """The longer side."""
        return np.maximum(self.width, self.height)

    @property
    def stroke(self) -> npt.NDArray[np.float64]:
        """Width of the strokes in pixels: a stroke has two edges along its length."""
        return np.asarray(2.0 * self.area / np.maximum(self.edge, 1), np.float64)

    @property
    def depth(self) -> npt.NDArray[np.float64]:
        """Gray levels that it is darker (or lighter) than its paper, on the mean."""
        return np.asarray(self.deep / np.maximum(self.area, 1), np.float64)

    def transposed(self) -> Parts:
        """As if the page were mirrored at its diagonal: columns become rows."""
        return Parts(self.top, self.left, self.bottom, self.right, self.area, self.edge, self.deep)


def parts_of(strips: Iterable[tuple[Gray, Gray, Gray]], *, least: int) -> Parts:
    """Parts of ink that comes in strips from top to bottom.

    strips: of (h, W) ink 0 or 255, likewise the pixels of it at an edge, and depths 0..255.
    least: pixels; parts both narrower and lower are left out.
    The same parts for any strips: what a seam cuts is put together again.
    """
    done: list[Numbers] = []
    seam = np.zeros(0, np.int64)  # rows of `open_table` (from 1) along the last row of ink
    open_table = np.zeros((0, len(_FIELDS)), np.int64)
    top = 0
    for ink, edge, depth in strips:
        labels, table = _labelled(ink, edge, depth, top)
        owner = _joined(seam, labels[0], len(open_table), len(table))
        table = _merged(np.concatenate([open_table, table]), owner)
        last = labels[-1].astype(np.int64)
        last = np.where(last > 0, last + len(open_table), 0)
        last = np.concatenate([[0], owner + 1])[last]
        at_seam = np.zeros(len(table), bool)
        at_seam[last[last > 0] - 1] = True
        done.append(_large(table[~at_seam], least))
        number = np.cumsum(at_seam)
        seam = np.concatenate([[0], number])[last]
        open_table = table[at_seam]
        top += len(ink)
    done.append(_large(open_table, least))
    return Parts(*np.concatenate(done).T)


def _large(table: Numbers, least: int) -> Numbers:
    sides = np.maximum(table[:, 2] - table[:, 0], table[:, 3] - table[:, 1])
    return np.asarray(table[sides >= least], np.int64)


def _labelled(
    ink: Gray, edge: Gray, depth: Gray, top: int
) -> tuple[npt.NDArray[np.int32], Numbers]:
    """Labels (h, w) from 1, and a row of _FIELDS for each."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    edges = np.bincount(labels[edge > 0], minlength=count)[1:]
    inked = ink > 0
    deep = np.bincount(labels[inked], weights=depth[inked], minlength=count)[1:].astype(np.int64)
    x, y, width, height, area = stats[1:].astype(np.int64).T
    table = np.stack([x, y + top, x + width, y + height + top, area, edges, deep], axis=1)
    return np.asarray(labels, np.int32), np.asarray(table, np.int64)


def _joined(
    above: Numbers, below: npt.NDArray[np.int32], open_parts: int, new_parts: int
) -> Numbers:
    """For each of the open and the new parts the number of the joined part that it belongs to."""
    pairs = []
    if len(above):
        for shift in (-1, 0, 1):  # connected across corners, too
            upper = above[max(0, shift) : len(above) + min(0, shift)]
            lower = below[max(0, -shift) : len(below) + min(0, -shift)]
            both = (upper > 0) & (lower > 0)
            pairs.append(np.stack([upper[both] - 1, lower[both] - 1 + open_parts], axis=1))
    edges = np.unique(np.concatenate(pairs), axis=0) if pairs else np.zeros((0, 2), np.int64)
    return joined(open_parts + new_parts, edges)


def joined(count: int, edges: Numbers) -> Numbers:
    """Groups 0.. of `count` things that `edges` (m, 2) connect, in the order of their first."""
    root = np.arange(count)
    while len(edges):
        low = np.minimum(root[edges[:, 0]], root[edges[:, 1]])
        before = root.copy()
        np.minimum.at(root, before[edges[:, 0]], low)
        np.minimum.at(root, before[edges[:, 1]], low)
        while not np.array_equal(root, root[root]):
            root = root[root]
        if np.array_equal(root, before):
            break
    return np.asarray(np.unique(root, return_inverse=True)[1].reshape(-1), np.int64)


def merged(parts: Parts, owner: Numbers) -> Parts:
    """The parts of each group as one; owner: the group of each part, from 0."""
    table = np.stack([getattr(parts, field) for field in _FIELDS], axis=1)
    return Parts(*_merged(table, owner).T)


def _merged(table: Numbers, owner: Numbers) -> Numbers:
    count = int(owner.max()) + 1 if len(owner) else 0
    merged = np.zeros((count, len(_FIELDS)), np.int64)
    merged[:, :2] = np.iinfo(np.int64).max
    for column, combine in enumerate((np.minimum, np.minimum, np.maximum, np.maximum)):
        combine.at(merged[:, column], owner, table[:, column])
    for column in (4, 5, 6):
        np.add.at(merged[:, column], owner, table[:, column])
    return merged
