"""From the quads of lines to the maps that the network is to give."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import numpy.typing as npt

from ocr_export.line_finder import MIDDLE_HEIGHT

from .crops import Crop, Quads, thickness

SHRUNK = 0.25  # of a line's height is cut from each side of it to leave its kernel
LEAST = 5.5  # pixels; lower lines are neither asked for nor forbidden
_BITS = 4  # fractions of pixels that OpenCV fills polygons with


@dataclasses.dataclass(frozen=True)
class Targets:
    """All (S/2, S/2), of half-size pixels.

    kernel, text: UINT8 0 or 1. weight: FLOAT32, of each pixel in the loss, 0 where nothing is
    asked. height: FLOAT32, log2 of pixels less MIDDLE_HEIGHT, in kernels. column: UINT8 0 or 1.
    """

    kernel: npt.NDArray[np.uint8]
    text: npt.NDArray[np.uint8]
    weight: npt.NDArray[np.float32]
    height: npt.NDArray[np.float32]
    column: npt.NDArray[np.uint8]


def targets(crop: Crop) -> Targets:
    """What there is to find in a crop."""
    half = crop.image.shape[0] // 2
    kernel, text, column, unasked = (np.zeros((half, half), np.uint8) for _ in range(4))
    height = np.zeros((half, half), np.float32)
    highs = thickness(crop.quads, crop.vertical)
    for quad, vertical, high, inner in zip(
        crop.quads, crop.vertical, highs, kernels(crop.quads, crop.vertical), strict=True
    ):
        if high < LEAST:
            _fill(unasked, quad, 1)
            continue
        _fill(text, quad, 1)
        _fill(kernel, inner, 1)
        _fill(column, inner, int(vertical))
        _fill(height, inner, float(np.log2(high)) - MIDDLE_HEIGHT)
    weight = 1 + 2.0 * text.astype(np.float32)
    # Between lines that are near each other, a false bridge costs two lines.
    near = cv2.dilate(text, np.ones((5, 5), np.uint8)) - text
    weight += 2.0 * near
    weight[(unasked > 0) & (text == 0)] = 0
    return Targets(kernel, text, weight, height, column)


def kernels(quads: Quads, vertical: npt.NDArray[np.bool_]) -> Quads:
    """(n, 4, 2): the quads less a part of their height on every side, half of short lines."""
    if not len(quads):
        return quads
    left, right = (quads[:, 0] + quads[:, 3]) / 2, (quads[:, 1] + quads[:, 2]) / 2
    top, bottom = (quads[:, 0] + quads[:, 1]) / 2, (quads[:, 2] + quads[:, 3]) / 2
    wide = np.linalg.norm(right - left, axis=1)
    high = np.linalg.norm(bottom - top, axis=1)
    cut = SHRUNK * np.where(vertical, wide, high)
    across = np.minimum(cut, SHRUNK * wide) / np.maximum(wide, 1e-6)
    down = np.minimum(cut, SHRUNK * high) / np.maximum(high, 1e-6)
    x, y = across[:, None], down[:, None]
    a, b, c, d = quads[:, 0], quads[:, 1], quads[:, 2], quads[:, 3]

    def at(u: npt.NDArray[np.float64], v: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.asarray((1 - v) * ((1 - u) * a + u * b) + v * ((1 - u) * d + u * c))

    return np.stack([at(x, y), at(1 - x, y), at(1 - x, 1 - y), at(x, 1 - y)], axis=1)


def _fill(
    target: npt.NDArray[np.uint8] | npt.NDArray[np.float32], quad: Quads, value: float
) -> None:
    # The middle of the first half-size pixel is at 1 of the crop, that of the next at 3.
    points = np.rint(((quad - 1) / 2) * (1 << _BITS)).astype(np.int32)
    cv2.fillConvexPoly(target, points, value, cv2.LINE_8, _BITS)
