"""A line cut out of its page, upright, with a margin as the crops have that models learned on."""

from __future__ import annotations

import cv2
import numpy as np

from ocr_preprocessing.fast import Gray

from .found import FoundLine

MARGIN = 0.06  # of the line's height around its quad, which has a margin of its own already


def rectified(gray: Gray, line: FoundLine) -> Gray:
    """The line upright (h, w) UINT8, contiguous; a vertical one as the column it is.

    gray: the page (H, W) UINT8 that `line` was found on. Beyond its edges they are repeated.
    """
    corners = np.array(line.quad, np.float64)
    wide = _sides(corners[1] - corners[0], corners[2] - corners[3])
    high = _sides(corners[3] - corners[0], corners[2] - corners[1])
    margin = MARGIN * (wide if line.vertical else high)
    size = max(2, round(wide + 2 * margin)), max(2, round(high + 2 * margin))
    inner = np.array(
        [[margin, margin], [wide + margin, margin], [wide + margin, high + margin],
         [margin, high + margin]]
    )  # fmt: skip
    # From a part of the page: OpenCV warps at most 32,767 pixels a side, and works on all of it.
    low = np.maximum(np.floor(corners.min(axis=0) - 2 * margin - 2), 0).astype(int)
    beyond = np.ceil(corners.max(axis=0) + 2 * margin + 2).astype(int)
    part = np.ascontiguousarray(gray[low[1] : beyond[1], low[0] : beyond[0]])
    if not part.size:
        raise ValueError("the line lies outside of the page that it is to be cut from")
    turn = cv2.getPerspectiveTransform((corners - low).astype(np.float32), inner.astype(np.float32))
    cut = cv2.warpPerspective(
        part, turn, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(cut, np.uint8)


def _sides(one: np.ndarray, other: np.ndarray) -> float:
    return float(max(np.hypot(*one), np.hypot(*other), 1.0))
