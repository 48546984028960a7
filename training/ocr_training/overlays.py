"""What stands over or under a line and is not the line: rules, boxes, watermarks, stains.

Images are float gray levels (rows, columns), changed in place; ink: the gray level of the text.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.float32]
Mask = npt.NDArray[np.uint8]


def strike_through(image: Pixels, ink: float, rng: np.random.Generator) -> None:
    """A stroke through the middle of a part of the line, as of something crossed out."""
    _stroke(image, image.shape[0] * rng.uniform(0.42, 0.6), ink, rng)


def underline(image: Pixels, ink: float, rng: np.random.Generator) -> None:
    """A stroke near the bottom of a part of the line."""
    _stroke(image, image.shape[0] * rng.uniform(0.84, 0.98), ink, rng)


def _stroke(image: Pixels, y: float, ink: float, rng: np.random.Generator) -> None:
    rows, columns = image.shape
    left, right = sorted(rng.uniform(-0.2, 1.2, 2) * columns)
    thickness = max(1, round(rows * rng.uniform(0.02, 0.07)))
    end = round(y + rng.uniform(-0.04, 0.04) * rows)
    cv2.line(image, (int(left), round(y)), (int(right), end), ink, thickness, cv2.LINE_AA)


def box(image: Pixels, ink: float, rng: np.random.Generator) -> None:
    """A frame close to the crop's edges, some of its sides outside, as of a table cell."""
    rows, columns = image.shape
    top, bottom = rows * rng.uniform(-0.05, 0.08), rows * rng.uniform(0.93, 1.05)
    left, right = rows * rng.uniform(-0.1, 0.15), columns - rows * rng.uniform(-0.1, 0.15)
    thickness = max(1, round(rows * rng.uniform(0.02, 0.06)))
    corners = (round(left), round(top)), (round(right), round(bottom))
    cv2.rectangle(image, *corners, ink, thickness, cv2.LINE_AA)


def watermark(image: Pixels, text: Mask, depth: float, rng: np.random.Generator) -> None:
    """Large slanted text, `depth` gray levels darker or (negative) lighter, clipped to the crop.

    text: ink (h, w) 0..255 of another line.
    """
    rows, columns = image.shape
    scale = rows * rng.uniform(0.8, 2.5) / text.shape[0]
    angle = rng.uniform(-40, 40)
    matrix = cv2.getRotationMatrix2D((text.shape[1] / 2, text.shape[0] / 2), angle, scale)
    matrix[0, 2] += rng.uniform(0, columns) - text.shape[1] / 2
    matrix[1, 2] += rng.uniform(0.2, 0.8) * rows - text.shape[0] / 2
    ghost = cv2.warpAffine(text, matrix, (columns, rows), flags=cv2.INTER_LINEAR)
    image -= ghost.astype(np.float32) * np.float32(depth / 255)


def stain(image: Pixels, level: float, rng: np.random.Generator) -> None:
    """A soft blot or highlight of `level` gray that hides the strokes below it in part."""
    rows, columns = image.shape
    cover: Pixels = np.zeros(image.shape, np.float32)
    centre = (int(rng.uniform(0, columns)), int(rng.uniform(0, rows)))
    axes = (max(1, int(rows * rng.uniform(0.1, 0.45))), max(1, int(rows * rng.uniform(0.1, 0.35))))
    strength = rng.uniform(0.5, 1)
    cv2.ellipse(cover, centre, axes, rng.uniform(0, 180), 0, 360, float(strength), -1)
    cover = np.asarray(cv2.GaussianBlur(cover, (0, 0), rows * 0.03 + 0.3), np.float32)
    image += cover * (np.float32(level) - image)


def shadow(image: Pixels, strength: float, rng: np.random.Generator) -> None:
    """A soft straight edge, up to `strength` (0..1) darker on one side, through the line."""
    rows, columns = image.shape
    angle = rng.uniform(-0.9, 0.9) + (np.pi if rng.random() < 0.5 else 0)
    x = np.arange(columns, dtype=np.float32)[None] - np.float32(columns * rng.uniform(0.25, 0.75))
    y = np.arange(rows, dtype=np.float32)[:, None] - np.float32(rows / 2)
    side = (np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y) / (rows * 0.15)
    image *= 1 - np.float32(strength) / (1 + np.exp(-np.clip(side, -30, 30)))
