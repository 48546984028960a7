"""An image as a small file, for people to look at."""

from __future__ import annotations

import cv2
import numpy as np

from ocr_preprocessing.fast import Gray

LEAST_SIDE = 16  # pixels; below that nobody could read it
_QUALITIES = (90, 70, 50)


def encoded(gray: Gray, most_bytes: int) -> bytes | None:
    """A PNG, or else a JPEG, or else of half the size; None where nothing legible fits.

    Encoded anew from gray pixels (H, W): a photograph's place and camera are not in it.
    """
    while min(gray.shape) >= LEAST_SIDE or gray.size <= most_bytes:
        for suffix, options in (
            (".png", []),
            *((".jpg", [cv2.IMWRITE_JPEG_QUALITY, quality]) for quality in _QUALITIES),
        ):
            done, content = cv2.imencode(suffix, gray, options)
            if done and content.nbytes <= most_bytes:
                return content.tobytes()
        if min(gray.shape) < LEAST_SIDE:
            return None
        height, width = (max(1, side // 2) for side in gray.shape)
        gray = cv2.resize(gray, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)
    return None


def media_type(image: bytes) -> str:
    """Of what `encoded` gave."""
    return "image/png" if image.startswith(b"\x89PNG") else "image/jpeg"
