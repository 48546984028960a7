"""What lines of signs and labels are mounted on, and letters of more than one tone.

Pages are float gray levels (rows, columns), changed in place; ink masks are 0..255.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.float32]
Mask = npt.NDArray[np.uint8]

DOTS = (14, 25)  # rows and columns of dots that a display or a needle printer has for an em


def texture(page: Pixels, rng: np.random.Generator) -> None:
    """Slats, stone, foliage, joints, or a patch of something else behind the line."""
    _TEXTURES[rng.integers(len(_TEXTURES))](page, rng)


def _slats(page: Pixels, rng: np.random.Generator) -> None:
    rows, columns = page.shape
    period = rng.uniform(6, 60)
    angle = (0.0, np.pi / 2, rng.uniform(0, np.pi))[rng.integers(3)]
    x = np.arange(columns, dtype=np.float32)[None] * np.float32(np.cos(angle) / period)
    y = np.arange(rows, dtype=np.float32)[:, None] * np.float32(np.sin(angle) / period)
    phase = (x + y + np.float32(rng.random())) % 1
    page += np.where(phase < rng.uniform(0.08, 0.5), np.float32(_depth(rng)), np.float32(0))


def _stone(page: Pixels, rng: np.random.Generator) -> None:
    """Random values at two scales, coarse ones stronger, as of stone, wood or leaves."""
    rows, columns = page.shape
    for cell, share in ((rng.uniform(8, 30), 1.0), (rng.uniform(2.5, 6), 0.6)):
        across = cell * (1, 1, 6)[rng.integers(3)]  # grain of wood runs along the board
        size = (max(2, round(columns / across)), max(2, round(rows / cell)))
        small = rng.standard_normal(size[::-1], dtype=np.float32) * np.float32(
            rng.uniform(5, 22) * share
        )
        page += cv2.resize(small, (columns, rows), interpolation=cv2.INTER_LINEAR)


def _joints(page: Pixels, rng: np.random.Generator) -> None:
    """Cracks or the joints of bricks and plates: few dark or light polylines."""
    rows, columns = page.shape
    level = float(np.clip(page.mean() + _depth(rng), 0, 255))
    for _ in range(rng.integers(1, 5 + columns // 150)):
        count = int(rng.integers(2, 6))
        x = np.sort(rng.uniform(-0.1, 1.1, count)) * columns
        y = rng.uniform(-0.2, 1.2) * rows + np.cumsum(rng.normal(0, rows * 0.25, count))
        if rng.random() < 0.3:
            x, y = rng.uniform(0, columns) + rng.normal(0, 4, count), np.linspace(0, rows, count)
        points = np.rint(np.stack([x, y], axis=1)).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(page, [points], False, level, int(rng.integers(1, 4)), cv2.LINE_AA)


def _patches(page: Pixels, rng: np.random.Generator) -> None:
    """Parts of the picture in another tone: the edge of the sign, a picture beside the text."""
    rows, columns = page.shape
    for _ in range(rng.integers(1, 4)):
        level = float(np.clip(page.mean() + 1.5 * _depth(rng), 0, 255))
        roll = rng.random()
        if roll < 0.4:  # an edge along the line, near the top or the bottom
            y = rows * (rng.uniform(-0.1, 0.15) if rng.random() < 0.5 else rng.uniform(0.85, 1.1))
            far = -rows if y < rows / 2 else 2 * rows
            cv2.rectangle(page, (0, round(y)), (columns, far), level, -1)
        elif roll < 0.7:  # the left or right end
            x = round(rng.uniform(0, 0.8) * rows)
            left, right = (0, x) if rng.random() < 0.5 else (columns - x, columns)
            cv2.rectangle(page, (left, 0), (right, rows), level, -1)
        else:
            centre = (int(rng.uniform(0, columns)), int(rng.uniform(0, rows)))
            axes = (int(rows * rng.uniform(0.2, 1.5)), int(rows * rng.uniform(0.2, 1.0)))
            cv2.ellipse(page, centre, axes, rng.uniform(0, 180), 0, 360, level, -1, cv2.LINE_AA)


_TEXTURES = (_slats, _stone, _stone, _joints, _patches)


def _depth(rng: np.random.Generator) -> float:
    """Gray levels darker or lighter."""
    return float(rng.uniform(8, 45) * (1 if rng.random() < 0.5 else -1))


def behind(page: Pixels, ink: Mask, rng: np.random.Generator) -> None:
    """A border, a cast shadow or a glow around the letters, which are written over it later."""
    size = int(rng.integers(2, 8))
    around = np.asarray(cv2.dilate(ink, np.ones((size, size), np.uint8)), np.uint8)
    roll = rng.random()
    if roll < 0.4:  # to one side
        dx, dy = rng.integers(-6, 7, 2)
        shift = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
        around = np.asarray(cv2.warpAffine(around, shift, ink.shape[::-1]), np.uint8)
    if roll > 0.25:
        around = np.asarray(cv2.GaussianBlur(around, (0, 0), rng.uniform(0.5, 5)), np.uint8)
    level = rng.uniform(0, 255)
    page += around * np.float32(1 / 255) * (np.float32(level) - page)


def dotted(ink: Mask, em: int, rng: np.random.Generator) -> Mask:
    """The ink on a grid of dots, as light-emitting displays and needle printers have it.

    em: pixels of an em in `ink`.
    """
    rows, columns = ink.shape
    pitch = em / rng.uniform(*DOTS)
    grid = (max(1, round(columns / pitch)), max(1, round(rows / pitch)))
    dots = np.asarray(cv2.resize(ink, grid, interpolation=cv2.INTER_AREA), np.uint8)
    dots = np.where(dots > rng.uniform(70, 120), np.uint8(255), np.uint8(0))
    way = cv2.INTER_NEAREST if rng.random() < 0.5 else cv2.INTER_LINEAR
    drawn = np.asarray(cv2.resize(dots, (columns, rows), interpolation=way), np.uint8)
    if rng.random() < 0.5:
        return drawn
    x = np.abs((np.arange(columns, dtype=np.float32) / np.float32(pitch)) % 1 - 0.5)
    y = np.abs((np.arange(rows, dtype=np.float32) / np.float32(pitch)) % 1 - 0.5)
    apart = (x[None] < 0.4) & (y[:, None] < 0.4)
    return np.asarray(np.where(apart, drawn, drawn // 3), np.uint8)
