"""The page turned level and shrunk, handed out in strips so that memory stays bounded."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

import cv2
import numpy as np

from ocr_preprocessing.fast import Gray

from . import ink, rules
from .found import Floats

# Bytes at the peak for each pixel of a strip, all stages included (tracemalloc, rounded up).
BYTES_PER_PIXEL = 16


@dataclasses.dataclass(frozen=True)
class Level:
    """A view of a page: `gray`, which is the page shrunk, turned clockwise by `angle` degrees.

    shrink: pixels of the page to one of `gray`. noise: standard deviation in gray levels.
    matrix: (2, 3), from pixels of `gray` to pixels of the view. rows, columns: of the view,
    multiples of `ink.CELL`, holding the whole page.
    """

    gray: Gray
    shrink: int
    angle: float
    noise: float
    matrix: Floats
    rows: int
    columns: int

    def to_page(self, points: Floats) -> Floats:
        """Points (n, 2) of the view as points of the page."""
        shrunk = (points - self.matrix[:, 2]) @ np.linalg.inv(self.matrix[:, :2]).T
        return np.asarray(shrunk * self.shrink, np.float64)

    def whole(self) -> Gray:
        """All of the view (rows, columns) UINT8."""
        return self._cut(0, self.rows)

    def _cut(self, top: int, bottom: int) -> Gray:
        """Rows top..bottom of the view; the page's edges go on outside of it."""
        if self.angle == 0:
            rows, columns = self.gray.shape
            part = self.gray[max(0, top) : min(rows, bottom)]
            below, right = max(0, bottom - rows), self.columns - columns
            if not below and not right:
                return part
            kind = cv2.BORDER_REPLICATE
            return np.asarray(cv2.copyMakeBorder(part, 0, below, 0, right, kind), np.uint8)
        shifted = self.matrix.copy()
        shifted[1, 2] -= top
        size = (self.columns, bottom - top)
        return np.asarray(
            cv2.warpAffine(
                self.gray, shifted, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            ),
            np.uint8,
        )

    def strips(self, *, light: bool, memory_mb: int) -> Iterator[tuple[Gray, Gray, Gray]]:
        """Ink without rules, its edges (both 0 or 255) and depths, (h, columns) UINT8 each.

        light: ink that is lighter than its paper.
        """
        halo = ink.HALO + rules.HALO
        room = memory_mb * 2**20 // (BYTES_PER_PIXEL * self.columns) - 2 * halo
        height = max(256, room - room % ink.CELL)
        for top in range(0, self.rows, height):
            bottom = min(top + height, self.rows)
            first, last = max(0, top - halo), min(bottom + halo, self.rows)
            pixels = self._cut(first, last)
            if light:
                pixels = np.asarray(cv2.bitwise_not(pixels), np.uint8)
            pixels, noise = ink.smoothed(pixels, self.noise)
            found, depth = ink.ink(pixels, noise)
            if not light:  # light rules are seldom, and looking for them takes a third of the time
                found = rules.without_rules(found)
            inner = cv2.erode(found, np.ones((3, 3), np.uint8))
            edge = np.asarray(cv2.subtract(found, inner), np.uint8)
            inside = slice(top - first, bottom - first)
            yield found[inside], edge[inside], depth[inside]


def shrunk(gray: Gray, shrink: int) -> Level:
    """The view of a page as it lies, a whole number of times smaller."""
    if shrink > 1:
        size = tuple(max(1, side // shrink) for side in gray.shape[::-1])
        gray = np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8)
    rows, columns = _whole_cells(*gray.shape)
    straight = np.eye(2, 3)
    return Level(gray, shrink, 0.0, ink.noise_of(gray), straight, rows, columns)


def turned(level: Level, angle: float) -> Level:
    """The view of the same page whose lines rise by `angle` degrees, turned until they do not."""
    rows, columns = level.gray.shape
    sine, cosine = math.sin(math.radians(angle)), math.cos(math.radians(angle))
    wide, high = columns * cosine + rows * abs(sine), rows * cosine + columns * abs(sine)
    # Clockwise as seen, in pixels that count downwards, about the middle.
    turn = np.array([[cosine, -sine], [sine, cosine]])
    shift = np.array([wide, high]) / 2 - turn @ (np.array([columns, rows]) / 2)
    matrix = np.concatenate([turn, shift[:, None]], axis=1)
    rows, columns = _whole_cells(math.ceil(high), math.ceil(wide))
    return dataclasses.replace(level, angle=angle, matrix=matrix, rows=rows, columns=columns)


def _whole_cells(rows: int, columns: int) -> tuple[int, int]:
    return -(-rows // ink.CELL) * ink.CELL, -(-columns // ink.CELL) * ink.CELL
