"""Glyph bitmaps, drawn once and kept: every face is drawn at one size and scaled later."""

from __future__ import annotations

import collections
import dataclasses
from pathlib import Path

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
        # What ImageDraw.text does after measuring twice: a third of its time.
        drawn, (left, top) = face.getmask2(character, "L", anchor="ls")
        columns, rows = drawn.size
        if not columns or not rows:
            mask: Mask = np.zeros((rows, columns), np.uint8)
        else:  # there is no public way from a font's mask to pixels that is not one by one
            mask = np.array(Image.Image()._new(drawn))  # noqa: SLF001  # see above
        return Glyph(mask, int(left), int(top), float(face.getlength(character)))
