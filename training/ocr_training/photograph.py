"""From the ink of a line to its picture: crop, paper, what lies over it, bends, blur, pixels."""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Sequence
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from ocr_training import degrade, overlays, surfaces, warp
from ocr_training.glyphs import EM, Mask
from ocr_training.layout import Ink
from ocr_training.variety import NONE, Variety, happens

Spans = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.float32]

# Rows of the picture that is scaled to the model's: what cameras, scanners and screens deliver.
# Drawn on a logarithmic scale, for real print has a median of 20 rows and one in ten below 12.
HEIGHTS = {
    "print": (10, 60),
    "scan": (14, 56),
    "photo": (11, 44),
    "handwriting": (14, 60),
    "sign": (12, 90),
}
# Shares of lines, by kind, with each of the overlays; print's where a kind is not named.
OVERLAYS = {
    "print": {"underline": 0.03, "strike": 0.012, "box": 0.03, "watermark": 0.025, "stain": 0.01},
    "scan": {"underline": 0.04, "strike": 0.015, "box": 0.03, "watermark": 0.015, "stain": 0.02},
    "photo": {"underline": 0.02, "strike": 0.01, "box": 0.03, "watermark": 0.03, "stain": 0.05},
    "handwriting": {"underline": 0.1, "strike": 0.02, "box": 0.04, "watermark": 0.0, "stain": 0.02},
    "sign": {"underline": 0.02, "strike": 0.0, "box": 0.06, "watermark": 0.0, "stain": 0.05},
}
# Rows of what `Variety.small` draws, cut close: Chinese of 10 rows is still read by others.
SMALL_HEIGHTS = (10, 17)
SMALL_MARGIN = 0.35  # of the margins of other lines
SMALLER = 0.75  # of those rows, small characters among larger ones may have
# Strength of blur and noise by kind; few rows with much of either cannot be read by anybody.
HARD = {"print": 0.5, "scan": 0.8, "handwriting": 0.6}
SMALL_HARD = 0.4
SKEWED = {"print": 0.06, "scan": 0.2, "photo": 0.35, "handwriting": 0.35, "sign": 0.35}
_MARGINS = (0.02, 0.12, 0.3), (0.3, 0.8, 1.0)
_SIDES = (0.05, 0.4, 1.0), (0.4, 0.8, 1.0)

Option = TypeVar("Option")


def pick(
    rng: np.random.Generator, options: Sequence[Option], cumulative: Sequence[float]
) -> Option:
    """One of `options`, `cumulative` their summed shares; ten times faster than `rng.choice`."""
    return options[bisect.bisect_right(cumulative, rng.random(), hi=len(options) - 1)]


def photograph(
    rng: np.random.Generator,
    kind: str,
    ink: Ink,
    ghost: Mask | None = None,
    harm: float = 1.0,
    variety: Variety = NONE,
) -> tuple[npt.NDArray[np.uint8], Spans]:
    """Gray picture (h, w) and the characters' spans in its pixels.

    ghost: ink of another text, for a watermark; none is drawn without it. harm: how often the
    degradations come, as a share of how often training sees them. variety: what else comes.
    """
    small_source = happens(rng, variety.small)
    if small_source:  # of which climbing lines or dots would leave nothing
        variety = dataclasses.replace(variety, steep=0.0, dotted=0.0)
    mask, spans = _crop(ink, rng, SMALL_MARGIN if small_source else 1.0)
    mask = _laid_out(mask, kind, rng, harm, variety)
    page = _page(mask, kind, rng, harm, variety)
    image, colour = degrade.write(page, mask, kind, rng, harm)
    _overlay(image, colour, kind, ghost, rng, harm)
    image = _bend(image, kind, rng, harm)
    low, high = SMALL_HEIGHTS if small_source else HEIGHTS[kind]
    least = low * max(1.0, SMALLER / ink.smallest)
    height = round(least * (high / least) ** rng.random())
    hard = SMALL_HARD if small_source else HARD.get(kind, 1.0)
    if rng.random() < 0.55 * harm:
        sigma = image.shape[0] / height * rng.uniform(0.2, 0.75) * hard
        image = degrade.blur(image, sigma, rng)
    width = max(4, round(image.shape[1] * height / image.shape[0]))
    way = cv2.INTER_AREA if rng.random() < 0.7 else cv2.INTER_LINEAR
    small = np.asarray(cv2.resize(image, (width, height), interpolation=way), np.float32)
    spans *= width / image.shape[1]
    if rng.random() < 0.5 * harm:
        small = degrade.noise(small, rng.uniform(1, 14) * hard, rng)
    if kind in {"photo", "sign"} and rng.random() < 0.08 * harm:
        small = degrade.moire(small, rng)
    result = np.clip(small, 0, 255).astype(np.uint8)
    if rng.random() < 0.45 * harm:
        result = degrade.jpeg(result, int(rng.integers(25, 95)))
    return result, spans


def _laid_out(
    mask: Mask, kind: str, rng: np.random.Generator, harm: float, variety: Variety
) -> Mask:
    """As it lies in the crop: level, skewed, or climbing and running away."""
    if happens(rng, variety.dotted):
        mask = surfaces.dotted(mask, EM, rng)
    if happens(rng, variety.steep):
        return warp.steep(mask, rng, neighbours=happens(rng, variety.neighbours))
    return _skew(mask, kind, rng, harm)


def _page(mask: Mask, kind: str, rng: np.random.Generator, harm: float, variety: Variety) -> Pixels:
    """What the ink is written on."""
    page = degrade.paper(mask.shape, kind, rng, harm)
    if happens(rng, variety.texture):
        surfaces.texture(page, rng)
    if happens(rng, variety.behind):
        surfaces.behind(page, mask, rng)
    if rng.random() < {"handwriting": 0.45, "photo": 0.15, "scan": 0.12}.get(kind, 0.06) * harm:
        degrade.rules(page, rng)
    if kind == "scan" and rng.random() < 0.25 * harm:
        page = degrade.bleed_through(page, mask, rng)
    return page


def _overlay(
    image: Pixels,
    colour: float,
    kind: str,
    ghost: Mask | None,
    rng: np.random.Generator,
    harm: float,
) -> None:
    """Each of them now and then, in place."""
    shares = OVERLAYS[kind]
    rolls = rng.random(4) / max(harm, 1e-9)
    if rolls[0] < shares["underline"]:
        overlays.underline(image, colour, rng)
    if rolls[1] < shares["strike"]:
        overlays.strike_through(image, colour, rng)
    if rolls[2] < shares["box"]:
        overlays.box(image, colour, rng)
    if rolls[3] < shares["stain"]:
        overlays.stain(image, float(image.mean()), rng)
    if ghost is not None:
        depth = rng.uniform(12, 70) * (1 if colour < image.mean() else -1)
        overlays.watermark(image, ghost, depth, rng)


def _crop(ink: Ink, rng: np.random.Generator, room: float) -> tuple[Mask, Spans]:
    """Cuts the line tight or loose; remains of a neighbouring line may be left inside.

    room: share of the margins above and below that is kept.
    """
    height = ink.last_row - ink.first_row + 1
    least = max(height, EM // 2)  # a line of dashes is not cut to the dash
    slack = least - height
    margins = pick(rng, *_MARGINS) * least * rng.random(2) * room
    cut = rng.random(2) < 0.1
    top = int(ink.first_row - slack / 2 - margins[0] + cut[0] * 0.06 * least)
    bottom = int(ink.last_row + 1 + slack / 2 + margins[1] - cut[1] * 0.06 * least)
    side = pick(rng, *_SIDES) * EM * rng.random(2)
    left = int(ink.spans[:, 0].min() - side[0])
    right = int(ink.spans[:, 1].max() + side[1]) + 1
    mask: Mask = np.zeros((max(8, bottom - top), max(8, right - left)), np.uint8)
    _paste(mask, ink.mask, -left, -top)
    if rng.random() < 0.12:
        shift = int(least * rng.uniform(1.02, 1.25)) * (1 if rng.random() < 0.5 else -1)
        _paste(mask, ink.mask[:, ::-1], -left, -top + shift)
    return mask, ink.spans - left


def _skew(mask: Mask, kind: str, rng: np.random.Generator, harm: float) -> Mask:
    """The crop of a line that does not lie level: sheared upright, the crop grows with it.

    Columns stay where they are. At three degrees version 1 read half of the characters.
    """
    if rng.random() > SKEWED.get(kind, 0.0) * harm:
        return mask
    rows, columns = mask.shape
    rise = np.clip(np.tan(np.radians(rng.normal(0, 1.8))) * columns, -0.9 * rows, 0.9 * rows)
    matrix = np.array([[1, 0, 0], [rise / columns, 1, max(0.0, -rise)]], np.float32)
    size = (columns, rows + int(np.ceil(abs(rise))))
    return np.asarray(cv2.warpAffine(mask, matrix, size, flags=cv2.INTER_LINEAR), np.uint8)


def _paste(target: Mask, source: Mask, x: int, y: int) -> None:
    x0, y0 = max(x, 0), max(y, 0)
    x1 = min(x + source.shape[1], target.shape[1])
    y1 = min(y + source.shape[0], target.shape[0])
    if x1 > x0 and y1 > y0:
        part = target[y0:y1, x0:x1]
        np.maximum(part, source[y0 - y : y1 - y, x0 - x : x1 - x], out=part)


def _bend(image: Pixels, kind: str, rng: np.random.Generator, harm: float) -> Pixels:
    """Skew, perspective and waves of a page held in a hand. Columns stay near their place."""
    if rng.random() > {"print": 0.15, "scan": 0.4, "handwriting": 0.3}.get(kind, 0.6) * harm:
        return image
    rows, columns = image.shape
    x = np.arange(columns, dtype=np.float32)[None]
    y = np.arange(rows, dtype=np.float32)[:, None]
    along = x / np.float32(columns)
    # Eight degrees across a short line, half a degree across a long one: the crop holds both.
    rise = np.float32(rng.normal(0, 0.06) * rows) * (along - 0.5)
    turns = np.float32(2 * np.pi * rng.uniform(0.3, 2))
    wave = np.float32(rng.normal(0, 0.025) * rows) * np.sin(turns * along)
    taper = 1 + np.float32(rng.normal(0, 0.07)) * (along - 0.5)
    middle = np.float32(rows / 2)
    source_y = (y - middle) * taper + (middle + rise + wave)
    source_x = x + np.float32(rng.normal(0, 0.06)) * (y - middle)
    return np.asarray(
        cv2.remap(image, source_x, source_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
        np.float32,
    )
