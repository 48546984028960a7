"""The 100x1000 crops that everything is timed on."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ocr_preprocessing.fast import Gray

ROWS, COLUMNS = 100, 1000
TEXT = "Invoice 2026-11-22  total 1,284.50  of 12"


def crops(count: int, *, noise: float) -> list[Gray]:
    """Crops (100, 1000, 3) BGR UINT8 of a text line on uneven light.

    noise: standard deviation in gray levels before scaling; from about 60 on the serving path
    measures noise at 32 px and takes the trouble of removing it.
    """
    random = np.random.default_rng(0)
    font = ImageFont.load_default(52)
    light = np.linspace(1.0, 0.8, COLUMNS)[None, :]
    made = []
    for _ in range(count):
        paper, ink = (int(random.integers(200, 250)), int(random.integers(10, 70)))
        picture = Image.new("L", (COLUMNS, ROWS), paper)
        place = (int(random.integers(5, 25)), int(random.integers(12, 28)))
        ImageDraw.Draw(picture).text(place, TEXT, fill=ink, font=font)
        gray = np.asarray(picture, np.float64) * light + random.normal(0, noise, (ROWS, COLUMNS))
        pixels = np.asarray(np.clip(gray, 0, 255), np.uint8)
        made.append(np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR), np.uint8))
    return made
