"""How even the ground of an image is: paper and screens are, streets and desks are not."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from ocr_preprocessing.fast import Gray

SMALL: Final = 512  # pixels of the longer side that are looked at
STROKES: Final = 9  # pixels of those; dark strokes narrower than that are no ground
NEAR: Final = 12  # gray levels to both sides of the commonest one


def evenness(gray: Gray) -> float:
    """Share 0..1 of an image (H, W) UINT8 whose ground is about as light as most of it."""
    if not gray.size:
        return 1.0
    scale = min(1.0, SMALL / max(gray.shape))
    size = tuple(max(1, round(side * scale)) for side in gray.shape[::-1])
    small = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    ground = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((STROKES, STROKES), np.uint8))
    counts = np.bincount(ground.ravel(), minlength=256)
    return float(np.convolve(counts, np.ones(2 * NEAR + 1), "same").max() / ground.size)
