"""Kept images as parts of a page: small, and nothing but pixels."""

from __future__ import annotations

import base64
import dataclasses
from typing import Final

import cv2
import numpy as np

from ocr_client.reviews.pictures import encoded, media_type

MOST_BYTES: Final = 60_000  # of one; twenty of them are 1.6 MB in base64
_MOST_SIDE: Final = 20_000  # pixels


@dataclasses.dataclass(frozen=True)
class Picture:
    """A PNG or JPEG. width, height: pixels."""

    content: bytes
    width: int
    height: int

    @property
    def address(self) -> str:
        """As a data URI."""
        text = base64.b64encode(self.content).decode("ascii")
        return f"data:{media_type(self.content)};base64,{text}"


def picture(content: bytes) -> Picture | None:
    """Encoded anew, whatever a store held; None where that is no image, or nothing legible fits."""
    pixels = np.frombuffer(content, np.uint8)
    try:
        gray = cv2.imdecode(pixels, cv2.IMREAD_GRAYSCALE) if pixels.size else None
    except cv2.error:  # a header that promises more than OpenCV takes
        return None
    if gray is None or max(gray.shape) > _MOST_SIDE:
        return None
    small = encoded(gray.astype(np.uint8), MOST_BYTES)
    return None if small is None else Picture(small, gray.shape[1], gray.shape[0])
