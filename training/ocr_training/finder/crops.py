"""Square crops of pages at the sizes that served pages have, turned, on other grounds, harmed."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import numpy.typing as npt

from ocr_training import degrade
from ocr_training.photograph import pick

from .pages import FinderPage
from .textures import texture

Pixels = npt.NDArray[np.float32]
Quads = npt.NDArray[np.float64]

# Heights of a page's usual line in the crop, in pixels, and the shares of crops: logarithmic
# between the two. The finder reads pages so that most lines are 10 to 40 pixels high.
HEIGHTS = ((8.0, 14.0), (12.0, 40.0), (40.0, 150.0))
_HEIGHT_SHARES = (0.3, 0.88, 1.0)
SCALES = 0.15, 3.0
_TURNS = (0.0, 2.0, 15.0, 45.0)  # degrees to both sides at most
_TURN_SHARES = (0.35, 0.75, 0.95, 1.0)
ON_TEXTURE = 0.3  # of crops of plain pages
INVERSE = 0.15


@dataclasses.dataclass(frozen=True)
class Crop:
    """image: gray UINT8 (S, S). quads: (n, 4, 2) of the lines, also of those partly outside.

    vertical: (n,) which of them are columns.
    """

    image: npt.NDArray[np.uint8]
    quads: Quads
    vertical: npt.NDArray[np.bool_]


def crop(page: FinderPage, size: int, rng: np.random.Generator) -> Crop:
    """One of `size` pixels a side."""
    quads = np.array([line.quad for line in page.lines], np.float64).reshape(-1, 4, 2)
    vertical = np.array([line.vertical for line in page.lines], bool)
    heights = thickness(quads, vertical)
    scale = _scale(heights, page.image.shape, size, rng)
    angle = _TURNS[pick(rng, (0, 1, 2, 3), _TURN_SHARES)] * float(rng.uniform(-1, 1))
    middle = _middle(quads, page.image.shape, rng)
    pixels, matrix = _cut(page.image, middle, scale, angle, size, rng)
    ones = np.ones((*quads.shape[:2], 1))
    moved = np.concatenate([quads, ones], axis=2) @ matrix.T
    inside = (moved.max(axis=1) > 0).all(axis=1) & (moved.min(axis=1) < size).all(axis=1)
    if page.plain and rng.random() < ON_TEXTURE:
        pixels = _on_texture(pixels, rng)
    return Crop(_harmed(pixels, rng), moved[inside], vertical[inside])


def thickness(quads: Quads, vertical: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """(n,) heights of lines, widths of columns."""
    sides = np.linalg.norm(np.roll(quads, -1, axis=1) - quads, axis=2)  # top, right, bottom, left
    return np.asarray(
        np.where(vertical, (sides[:, 0] + sides[:, 2]) / 2, (sides[:, 1] + sides[:, 3]) / 2)
    )


def _scale(
    heights: npt.NDArray[np.float64], shape: tuple[int, ...], size: int, rng: np.random.Generator
) -> float:
    if not len(heights):
        return float(np.clip(size / max(shape) * rng.uniform(1, 2), *SCALES))
    low, high = pick(rng, HEIGHTS, _HEIGHT_SHARES)
    wanted = low * (high / low) ** rng.random()
    return float(np.clip(wanted / np.median(heights), *SCALES))


def _middle(
    quads: Quads, shape: tuple[int, ...], rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """A place near a line, seldom anywhere."""
    if len(quads) and rng.random() < 0.85:
        corners = quads[rng.integers(len(quads))]
        low, high = corners.min(axis=0), corners.max(axis=0)
        return np.asarray(rng.uniform(low, high))
    return np.asarray(rng.uniform(0, 1, 2) * shape[::-1])


def _cut(
    image: npt.NDArray[np.uint8],
    middle: npt.NDArray[np.float64],
    scale: float,
    angle: float,
    size: int,
    rng: np.random.Generator,
) -> tuple[Pixels, npt.NDArray[np.float64]]:
    """The crop as float, and the matrix (2, 3) from the page's pixels to its own.

    The page is moved so that the crop shows as much of it as it can.
    """
    rows, columns = image.shape
    reach = size / scale / 2
    for axis, side in ((0, columns), (1, rows)):
        least, most = sorted((reach, side - reach))
        slack = 0.1 * reach
        middle[axis] = np.clip(middle[axis], least - slack, most + slack)
    around = 0.75 * size / scale  # half of the diagonal, rounded up
    low = np.maximum(np.floor(middle - around), 0).astype(int)
    high = np.minimum(np.ceil(middle + around), (columns, rows)).astype(int)
    part = image[low[1] : high[1], low[0] : high[0]]
    wide, high_ = (max(1, round(side * scale)) for side in part.shape[::-1])
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(part, (wide, high_), interpolation=way)
    factor = np.array([wide / part.shape[1], high_ / part.shape[0]])
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    turn = np.array([[cosine, sine], [-sine, cosine]])
    linear = turn * factor
    shift = np.array([size / 2, size / 2]) - linear @ middle
    matrix = np.concatenate([linear, shift[:, None]], axis=1)
    own = np.concatenate([turn, (shift + linear @ low)[:, None]], axis=1)
    ground = float(np.median(small)) if rng.random() < 0.5 else float(rng.uniform(0, 255))
    pixels = cv2.warpAffine(
        small, own, (size, size), flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT if rng.random() < 0.7 else cv2.BORDER_REPLICATE,
        borderValue=ground,
    )  # fmt: skip
    return np.asarray(pixels, np.float32), matrix


def _on_texture(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Its ink on another ground, in a tone that stands out from it."""
    ground = texture((pixels.shape[0], pixels.shape[1]), rng)
    level, spread = float(ground.mean()), float(ground.std())
    most = rng.uniform(8, 40)
    if spread > most:
        ground = (ground - np.float32(level)) * np.float32(most / spread) + np.float32(level)
    contrast = max(50.0, 2.0 * min(spread, most)) + rng.uniform(0, 120)
    ink = level - contrast if level > 128 else level + contrast
    cover = np.clip((235 - pixels) / np.float32(200), 0, 1)
    return np.asarray(ground + (np.float32(ink) - ground) * cover, np.float32)


def _harmed(pixels: Pixels, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Contrast, light, blur, noise, compression, each now and then."""
    size = pixels.shape[0]
    if rng.random() < INVERSE:
        pixels = 255 - pixels
    if rng.random() < 0.4:
        low, high = rng.uniform(0, 100), rng.uniform(140, 255)
        pixels = pixels * np.float32((high - low) / 255) + np.float32(low)
    if rng.random() < 0.2:
        corner = rng.uniform(0.4, 1.1, (2, 2)).astype(np.float32)
        pixels = pixels * cv2.resize(corner, (size, size), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.2:
        gamma = np.float32(rng.uniform(0.6, 1.7))
        pixels = 255 * (np.clip(pixels, 0, 255) / 255) ** gamma
    if rng.random() < 0.3:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.4, 1.3)), np.float32)
    if rng.random() < 0.35:
        pixels = degrade.noise(np.asarray(pixels, np.float32), float(rng.uniform(1, 14)), rng)
    result = np.clip(pixels, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        result = degrade.jpeg(result, int(rng.integers(25, 92)))
    return result
