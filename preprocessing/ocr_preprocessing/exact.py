"""The four stages of the original, at full resolution: slow, and the yardstick for `fast`."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from .fast import Gray
from .load import Source, load_image

CLIP_LIMIT = 2.0
TILES = (8, 8)


def preprocess_image(image: Source, target_height: int = 32) -> npt.NDArray[np.float32]:
    """Raises ImageError. Any image to (target_height, W) float32 in [0, 1], 0 black.

    Gray, CLAHE with clip limit 2.0 on 8x8 tiles, non-local-means denoising (OpenCV's defaults:
    h 3, template 7, search 21), cubic resize with the aspect ratio kept.
    """
    line = exact_line(load_image(image), target_height)
    return np.asarray(line / np.float32(255), np.float32)


def exact_line(gray: Gray, height: int = 32) -> Gray:
    """The same stages on a gray line (H, W) UINT8, to (height, W * height / H) UINT8."""
    rows, columns = gray.shape
    even = cv2.createCLAHE(clipLimit=CLIP_LIMIT, tileGridSize=TILES).apply(gray)
    clean = cv2.fastNlMeansDenoising(even)
    width = max(1, round(columns * height / rows))
    return np.asarray(cv2.resize(clean, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
