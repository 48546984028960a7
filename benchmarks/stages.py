"""Ways to prepare a line: those that are compared, whole and stage by stage."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from ocr_preprocessing.exact import CLIP_LIMIT, TILES, exact_line
from ocr_preprocessing.fast import Gray, fast_line, stretch


def plain_line(gray: Gray, height: int = 32) -> Gray:
    """Gray and resizing only: what the stages are measured against."""
    rows, columns = gray.shape
    width = max(1, round(columns * height / rows))
    kernel = cv2.INTER_AREA if rows > height else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(gray, (width, height), interpolation=kernel), np.uint8)


def clahe_line(gray: Gray, height: int = 32) -> Gray:
    """The first of the original stages alone, then resizing."""
    even = cv2.createCLAHE(clipLimit=CLIP_LIMIT, tileGridSize=TILES).apply(gray)
    return plain_line(np.asarray(even, np.uint8), height)


STAGES: dict[str, Callable[[Gray], Gray]] = {
    "plain": plain_line,
    "exact": exact_line,
    "fast": fast_line,
}
# And each stage by itself: fast is stretching, after denoising where a line is noisy; exact is both
# of the others before scaling.
ALONE: dict[str, Callable[[Gray], Gray]] = {
    "stretched only": lambda gray: stretch(plain_line(gray)),
    "CLAHE only": clahe_line,
    "denoised only": lambda gray: plain_line(_denoised(gray)),
}


def _denoised(gray: Gray) -> Gray:
    return np.asarray(cv2.fastNlMeansDenoising(gray), np.uint8)
