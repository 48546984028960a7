"""ModelScope's preparation of a line: scaled bilinearly, nothing else done to it.

Facts from modelscope/modelscope, `models/cv/ocr_recognition/preprocessor.py`: the width is cut to
a whole number, not rounded, and a line too wide for the model is squeezed, not cut into windows.
"""

from __future__ import annotations

import cv2
import numpy as np

from .fast import Gray


def bilinear_line(gray: Gray, height: int, widest: int) -> Gray:
    """Gray line (H, W) to (height, W * height / H) UINT8; to (height, widest) where it is wider."""
    rows, columns = gray.shape
    ratio = columns / rows
    width = widest if ratio > widest / height else max(1, int(height * ratio))
    return np.asarray(cv2.resize(gray, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
