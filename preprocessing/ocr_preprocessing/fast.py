"""The serving path: scale first, so that everything after it works on few pixels."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Gray = npt.NDArray[np.uint8]

NOISE_LIMIT = 14.0  # gray levels; scaled print, scans and photos stay below it
CLIP_SHARE = 0.005  # of the pixels may saturate at each end
LEAST_RANGE = 12  # gray levels; less is a blank line, and stretching it would invent texture


def fast_line(gray: Gray, height: int = 32) -> Gray:
    """Gray line (H, W) to (height, W * height / H) UINT8: scale, denoise if noisy, stretch."""
    rows, columns = gray.shape
    width = max(1, round(columns * height / rows))
    shrinking = rows > height
    kernel = cv2.INTER_AREA if shrinking else cv2.INTER_CUBIC
    line: Gray = np.asarray(cv2.resize(gray, (width, height), interpolation=kernel), np.uint8)
    sigma = noise_level(line)
    if sigma > NOISE_LIMIT:
        line = np.asarray(
            cv2.fastNlMeansDenoising(
                line, None, h=float(sigma), templateWindowSize=3, searchWindowSize=9
            ),
            np.uint8,
        )
    return stretch(line)


def noise_level(line: Gray) -> float:
    """Standard deviation of the noise in gray levels, of a line (H, W) UINT8.

    The median of the diagonal Haar details over 0.6745 (Donoho and Johnstone 1994): strokes
    are edges in few of the 2x2 cells, noise is in all of them, so the median sees the noise.
    """
    rows, columns = (side & ~1 for side in line.shape)
    if not rows or not columns:
        return 0.0
    even, odd = line[0:rows:2, :columns], line[1:rows:2, :columns]
    detail = even[:, 0::2].astype(np.int16)
    detail -= even[:, 1::2]
    detail -= odd[:, 0::2]
    detail += odd[:, 1::2]
    # Counting few whole numbers takes half as long as `np.median`; of an even count the median is
    # the mean of the two in the middle.
    below = np.cumsum(np.bincount(np.abs(detail).ravel()))
    middle = below.searchsorted((detail.size + 1) // 2) + below.searchsorted(detail.size // 2 + 1)
    return float(middle) / 4 / 0.6745


def stretch(line: Gray) -> Gray:
    """Spreads the gray levels of (H, W) UINT8 to 0..255, but for CLIP_SHARE at each end."""
    share = np.cumsum(np.bincount(line.ravel(), minlength=256))
    low = int(share.searchsorted(CLIP_SHARE * line.size))
    high = int(share.searchsorted((1 - CLIP_SHARE) * line.size))
    if high - low < LEAST_RANGE:
        return line
    levels = (np.arange(256, dtype=np.float32) - low) * (255.0 / (high - low))
    table = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(line, table), np.uint8)
