"""From the maps of a page to its lines as quads: each kernel grown back to its line's height."""

from __future__ import annotations

import dataclasses
import math

import cv2
import numpy as np
import numpy.typing as npt

from ocr_preprocessing.finder_spec import CELL, SHRUNK, STEPS
from ocr_preprocessing.page.found import Floats

from .maps import Maps

KERNEL = 0.4  # probability from which on a place belongs to a kernel
LEAST_SCORE = 0.75  # mean of a kernel's places
LEAST_HEIGHT = 4.0  # pixels
ROUND = 1.6  # of its line's height a kernel must be long to say itself which way it runs
COLUMN = 0.5  # mean probability from which on it is a column
FATTER = 0.5  # places that a kernel is drawn wider than it is, on each side


@dataclasses.dataclass(frozen=True)
class Marks:
    """Lines in pixels of what the maps are of; arrays of n.

    quads: (n, 4, 2), as of `FoundLine`, tight around the ink. thickness: a line's height, a
    column's width. angle: (n,) radians that the line (of a column, its upright) is turned by,
    clockwise positive. score: 0..1.
    """

    quads: Floats
    vertical: npt.NDArray[np.bool_]
    thickness: Floats
    angle: Floats
    score: Floats

    def __len__(self) -> int:
        return len(self.quads)

    def __getitem__(self, some: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> Marks:
        return Marks(*(getattr(self, field.name)[some] for field in dataclasses.fields(self)))


def marks_of(maps: Maps) -> Marks:
    """Every kernel that is sure enough."""
    inside = (maps.kernel >= round(255 * KERNEL)).astype(np.uint8)
    count, labels = cv2.connectedComponents(inside, connectivity=8)
    outlines = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0]
    if count < 2:
        return _nothing()
    places = np.flatnonzero(inside.ravel())
    label = labels.ravel()[places]
    y, x = np.divmod(places, inside.shape[1])
    coarse = (np.minimum(y // 2, maps.height.shape[0] - 1), x // 2)
    area = np.maximum(np.bincount(label, minlength=count), 1)

    def mean(values: npt.NDArray[np.uint8]) -> Floats:
        return np.asarray(np.bincount(label, weights=values, minlength=count) / area)

    score = mean(maps.kernel.ravel()[places]) / 255
    high = 2 ** (mean(maps.height[coarse]) / STEPS)
    column = mean(maps.column[coarse]) / 255
    points, own = [], []
    for outline in outlines:
        corner = outline[0, 0]
        number = int(labels[corner[1], corner[0]])
        if score[number] >= LEAST_SCORE and high[number] >= LEAST_HEIGHT:
            points.append(outline.reshape(-1, 2).astype(np.float64) * CELL + CELL / 2)
            own.append(number)
    if not own:
        return _nothing()
    vertical = column[own] >= COLUMN
    angle = _angles(points, high[own], vertical)
    quads = np.stack(
        [
            _grown(one, float(h), float(a), vertical=bool(v))
            for one, h, a, v in zip(points, high[own], angle, vertical, strict=True)
        ]
    )
    return Marks(quads, vertical, high[own], angle, score[own])


def _angles(points: list[Floats], high: Floats, vertical: npt.NDArray[np.bool_]) -> Floats:
    """Long kernels say it themselves; short ones go with the long ones of their page."""
    angle, long = np.zeros(len(points)), np.zeros(len(points))
    for i, (one, h) in enumerate(zip(points, high, strict=True)):
        _, (wide, tall), degrees = cv2.minAreaRect(one.astype(np.float32))
        along = math.radians(degrees if wide >= tall else degrees + 90)
        if vertical[i]:
            along -= math.pi / 2
        # A line's own direction is within a quarter turn of rightwards, a column's of downwards.
        angle[i] = (along + math.pi / 2) % math.pi - math.pi / 2
        long[i] = max(wide, tall) if max(wide, tall) >= ROUND * h else 0.0
    sure = long > 0
    usual = _usual(angle[sure], long[sure]) if sure.any() else 0.0
    return np.where(sure, angle, usual)


def _usual(angle: Floats, weight: Floats) -> float:
    """The weighted median."""
    order = np.argsort(angle)
    share = np.cumsum(weight[order])
    return float(angle[order][np.searchsorted(share, share[-1] / 2)])


def _grown(outline: Floats, high: float, angle: float, *, vertical: bool) -> Floats:
    """The quad (4, 2) of the line whose kernel has this outline."""
    across = np.array([math.cos(angle), math.sin(angle)])
    down = np.array([-across[1], across[0]])
    turned = np.stack([outline @ across, outline @ down], axis=1)
    low, top = turned.min(axis=0), turned.max(axis=0)
    middle = (low + top) / 2
    size = np.maximum(top - low + CELL * (1 - 2 * FATTER), CELL)
    thick, along = (0, 1) if vertical else (1, 0)
    whole = np.empty(2)
    whole[thick] = high
    # Of lines that are shorter than high, each side is cut by a part of their length instead.
    cut = 2 * SHRUNK * high
    whole[along] = size[along] + cut if size[along] >= high - cut else 2 * size[along]
    half = whole / 2
    corners = middle + half * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    return np.asarray(corners[:, :1] * across + corners[:, 1:] * down)


def _nothing() -> Marks:
    return Marks(np.zeros((0, 4, 2)), np.zeros(0, bool), np.zeros(0), np.zeros(0), np.zeros(0))
