"""Glyph bitmaps, drawn once and kept: every face is drawn at one size and scaled later."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from ocr_training import fonts

EM = 44  # pixels; lines are composed at this size and scaled down afterwards
MOST_GLYPHS = 150_000  # about 2 kB each; all faces have 280,000, most of them seldom drawn

Mask = npt.NDArray[np.uint8]


@dataclasses.dataclass(frozen=True)
class Glyph:
    """mask: (h, w) ink 0..255. left, top: of the mask from the pen on the baseline."""

    mask: Mask
    left: int
    top: int
    advance: float

    def scaled(self, scale: float) -> Glyph:
        """In another size, which costs less than to draw and keep every face in every size."""
        rows, columns = self.mask.shape
        mask = self.mask
        if rows and columns:
            size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
            mask = np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_AREA), np.uint8)
        return Glyph(mask, round(self.left * scale), round(self.top * scale), self.advance * scale)


class GlyphCache:
    """Glyphs by (face, character), the first drawn dropped first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._glyphs: dict[tuple[fonts.Font, str], Glyph] = {}
        self._pixels = np.zeros((2 * EM, 2 * EM), np.uint8)
        self._canvas = _over(self._pixels)

    def get(self, font: fonts.Font, character: str) -> Glyph:
        key = (font, character)
        glyph = self._glyphs.get(key)
        if glyph is None:
            glyph = self._glyphs[key] = self._draw(font, character)
            if len(self._glyphs) > MOST_GLYPHS:
                del self._glyphs[next(iter(self._glyphs))]
        return glyph

    def _draw(self, font: fonts.Font, character: str) -> Glyph:
        face = fonts.open_font(self._folder, font, EM)
        # What ImageDraw.text does after measuring twice: a third of its time.
        drawn, (left, top) = face.getmask2(character, "L", anchor="ls")
        columns, rows = drawn.size
        if columns > self._pixels.shape[1] or rows > self._pixels.shape[0]:
            self._pixels = np.zeros((rows, columns), np.uint8)
            self._canvas = _over(self._pixels)
        if columns and rows:
            self._canvas.im.paste(drawn, (0, 0, columns, rows))
        mask = self._pixels[:rows, :columns].copy()
        return Glyph(mask, int(left), int(top), float(face.getlength(character)))


def _over(pixels: Mask) -> Image.Image:
    """An image whose pixels are these: a font's mask is pasted there in a fifth of the time that
    any public way from it to an array takes.
    """
    rows, columns = pixels.shape
    return Image.frombuffer("L", (columns, rows), pixels, "raw", "L", 0, 1)
