"""Glyph bitmaps, drawn once and kept: every face is drawn at one size and scaled later."""

from __future__ import annotations

import collections
import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from ocr_training import fonts

EM = 44  # pixels; lines are composed at this size and scaled down afterwards
MOST_GLYPHS = 60_000  # about 2 kB each

Mask = npt.NDArray[np.uint8]


@dataclasses.dataclass(frozen=True)
class Glyph:
    """mask: (h, w) ink 0..255. left, top: of the mask from the pen on the baseline."""

    mask: Mask
    left: int
    top: int
    advance: float


class GlyphCache:
    """Glyphs by (face, character), the least recently used dropped."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._glyphs: collections.OrderedDict[tuple[fonts.Font, str], Glyph] = (
            collections.OrderedDict()
        )

    def get(self, font: fonts.Font, character: str) -> Glyph:
        key = (font, character)
        glyph = self._glyphs.get(key)
        if glyph is None:
            glyph = self._draw(font, character)
            self._glyphs[key] = glyph
            if len(self._glyphs) > MOST_GLYPHS:
                self._glyphs.popitem(last=False)
        else:
            self._glyphs.move_to_end(key)
        return glyph

    def _draw(self, font: fonts.Font, character: str) -> Glyph:
        face = fonts.open_font(self._folder, font, EM)
        left, top, right, bottom = map(int, face.getbbox(character, anchor="ls"))
        image = Image.new("L", (right - left, bottom - top))
        if image.width and image.height:
            ImageDraw.Draw(image).text((-left, -top), character, 255, face, anchor="ls")
        return Glyph(np.array(image), left, top, float(face.getlength(character)))
