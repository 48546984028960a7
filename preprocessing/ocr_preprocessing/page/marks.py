"""What is on a page beside its lines: the rules of tables, and pictures.

Both are looked for on the page made small, so that they cost little and need little memory.
"""

from __future__ import annotations

import dataclasses
import math

import cv2
import numpy as np

from ocr_preprocessing.fast import Gray

from . import ink, rules
from .found import Floats, FoundLine
from .level import Level, shrunk, turned

RULED_PIXELS = 1_300_000  # rules are looked for on no more than these: A4 at 100 dpi
RULE_HEIGHTS = 2.5  # of a line that a rule is longer than; strokes are not
SHORTEST = 24  # pixels
FIGURE_SIDE = 256  # pixels of the longer side of the page that pictures are looked for on
LEVEL_ENOUGH = 0.2  # degrees; a page turned by less is not turned back
LEAST_RULE = 2.0  # usual heights of a line that a rule is long at least
FIGURE_AREA = 0.015  # of the page, at least
FIGURE_MOST = 0.6  # of the page; what is larger is its ground
FIGURE_FULL = 0.45  # of its box that a picture fills
FIGURE_LINES = 3.0  # heights of a line that both sides of a picture are long at least
INKED = 28  # gray levels between paper and what is no paper
GROWN = 0.35  # heights of a line around it that are its own, not a picture's

Segments = tuple[Floats, Floats]


@dataclasses.dataclass(frozen=True)
class Marks:
    """All in pixels of the page.

    level, upright: (n, 2, 2), both ends of each rule. figures: (m, 4), left, top, right, bottom.
    """

    level: Floats
    upright: Floats
    figures: Floats


NO_RULES: Floats = np.zeros((0, 2, 2))


def marks_of(
    gray: Gray, lines: tuple[FoundLine, ...], angle: float, *, with_rules: bool = True
) -> Marks:
    """Rules and pictures of a page (H, W) UINT8 whose lines rise by `angle` degrees."""
    level, upright = NO_RULES, NO_RULES
    if with_rules and lines:
        level, upright = ruled(gray, angle, _usual(lines))
    return Marks(level, upright, figures(gray, lines))


def ruled(gray: Gray, angle: float, usual: float) -> Segments:
    """Level and upright rules (n, 2, 2). usual: pixels that most lines are high."""
    shrink = max(1, math.ceil(math.sqrt(gray.size / RULED_PIXELS)))
    view = _shrunk_dark(gray, shrink)
    if abs(angle) > LEVEL_ENOUGH:
        view = turned(view, angle)
    pixels, noise = ink.smoothed(view.whole(), view.noise)
    length = round(min(rules.LENGTH, max(SHORTEST, RULE_HEIGHTS * usual / shrink)))
    level, upright = rules.rules_of(ink.ink(pixels, noise)[0], length=length)

    def on_page(ends: Floats) -> Floats:
        return np.asarray(view.to_page(ends.reshape(-1, 2)).reshape(-1, 2, 2), np.float64)

    least = LEAST_RULE * usual / shrink
    return on_page(_ends(level, least, down=False)), on_page(_ends(upright, least, down=True))


def _shrunk_dark(gray: Gray, shrink: int) -> Level:
    """The page smaller, by the darkest pixels at last, so that thin rules are not lost."""
    by = 2 if shrink % 2 == 0 else 1
    half = shrunk(gray, shrink // by)
    darkest = cv2.erode(half.gray, np.ones((by, by), np.uint8))[::by, ::by]
    small = shrunk(np.ascontiguousarray(darkest, np.uint8), 1)
    return dataclasses.replace(small, shrink=shrink)


def _ends(found: Gray, least: float, *, down: bool) -> Floats:
    """Of each connected rule, through the middle of its box."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(found, connectivity=8)
    left, top, wide, high = stats[1:, :4].astype(np.float64).T
    if down:
        x, far = left + wide / 2, top + high
        ends = np.stack([x, top, x, far], axis=1)
        kept = (high >= least) & (wide < high / 3)
    else:
        y, far = top + high / 2, left + wide
        ends = np.stack([left, y, far, y], axis=1)
        kept = (wide >= least) & (high < wide / 3)
    return np.asarray(ends[kept].reshape(-1, 2, 2), np.float64)


def figures(gray: Gray, lines: tuple[FoundLine, ...]) -> Floats:
    """Boxes (m, 4) of what is inked over large areas, and is no line of text."""
    scale = max(gray.shape) / FIGURE_SIDE
    if scale <= 1:
        return np.zeros((0, 4))
    size = tuple(max(1, round(side / scale)) for side in gray.shape[::-1])
    small = np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8)
    paper = float(np.percentile(small, 75))
    inked = (np.abs(small.astype(np.float64) - paper) > INKED).astype(np.uint8)
    for line in lines:
        grown = _grown(np.array(line.quad), line.vertical)
        cv2.fillConvexPoly(inked, np.rint(grown / scale).astype(np.int32), (0,))
    solid = cv2.morphologyEx(inked, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    solid = cv2.morphologyEx(solid, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(np.asarray(solid, np.uint8), connectivity=4)
    side = max(8.0, FIGURE_LINES * _usual(lines) / scale)
    boxes = [box for box in stats[1:].tolist() if _is_figure(box, small.shape, side)]
    found = np.array(boxes, np.float64).reshape(-1, 5)[:, :4]
    found[:, 2:] += found[:, :2]
    return np.asarray(found * scale, np.float64)


def _is_figure(box: list[int], shape: tuple[int, ...], side: float) -> bool:
    left, top, wide, high, filled = box
    rows, columns = shape[:2]
    edges = (left <= 0) + (top <= 0) + (left + wide >= columns) + (top + high >= rows)
    area = wide * high / (rows * columns)
    return (
        FIGURE_AREA <= area <= FIGURE_MOST
        and min(wide, high) >= side
        and filled >= FIGURE_FULL * wide * high
        and edges < 2  # the desk beside a sheet, a shadow in its corner
    )


def _grown(quad: Floats, vertical: bool) -> Floats:  # noqa: FBT001
    thick = float(np.hypot(*(quad[1] - quad[0] if vertical else quad[3] - quad[0])))
    middle = quad.mean(axis=0)
    away = quad - middle
    length = np.maximum(np.hypot(away[:, 0], away[:, 1]), 1e-6)[:, None]
    return np.asarray(middle + away * (1 + GROWN * thick / length), np.float64)


def _usual(lines: tuple[FoundLine, ...]) -> float:
    """Median height of the lines in pixels."""
    if not lines:
        return 0.0
    quads = np.array([line.quad for line in lines])
    sides = np.hypot(*(quads[:, 3] - quads[:, 0]).T), np.hypot(*(quads[:, 1] - quads[:, 0]).T)
    down = np.array([line.vertical for line in lines])
    return float(np.median(np.where(down, sides[1], sides[0])))
