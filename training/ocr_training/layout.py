"""From a text and a face to the ink of a line, with the place of every character."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import numpy.typing as npt

from ocr_training.fonts import Font
from ocr_training.glyphs import EM, Glyph, GlyphCache, Mask
from ocr_training.sizes import Setting
from ocr_training.strokes import Hand, Strokes

TOP = EM // 2  # room above the ascenders
BASELINE = TOP + round(0.88 * EM)  # Chinese characters reach down to it by a little more
ROWS = 2 * EM + TOP
_ROOM = 3  # rows kept above and below the ink, for thicker strokes


@dataclasses.dataclass
class Ink:
    """mask: (rows, columns) 0..255. spans: (characters, 2) left and right in pixels.

    first_row, last_row: of the ink itself. smallest: scale of its smallest characters.
    """

    mask: Mask
    spans: npt.NDArray[np.float32]
    first_row: int
    last_row: int
    smallest: float = 1.0


@dataclasses.dataclass(frozen=True)
class Style:
    """spacing: extra pixels between characters. bounce: baseline jitter in pixels."""

    spacing: float = 0.0
    bounce: float = 0.0
    slant: float = 0.0
    weight: int = 0  # > 0 thicker, < 0 thinner
    stretch: float = 1.0  # horizontal


class Typesetter:
    """Sets lines in a Chinese and a Latin face side by side, or in handwriting."""

    def __init__(self, cache: GlyphCache, strokes: Strokes) -> None:
        self._cache = cache
        self._strokes = strokes

    def printed(
        self,
        text: str,
        face_of: dict[str, Font],
        style: Style,
        rng: np.random.Generator,
        setting: Setting | None = None,
        *,
        whole: bool = False,
    ) -> Ink:
        """setting: size, height and gap of each character, where they are not all alike.

        whole: rows from the top of the em box on, not only those with ink.
        """
        glyphs = [self._cache.get(face_of[c], c) for c in text]
        if setting:
            glyphs = [setting.applied(i, glyph) for i, glyph in enumerate(glyphs)]
        ink = _compose(glyphs, style, rng, whole=whole)
        ink.smallest = min(setting.scales) if setting else 1.0
        return ink

    def written(
        self,
        text: str,
        face_of: dict[str, Font],
        style: Style,
        rng: np.random.Generator,
        *,
        running: bool = False,
    ) -> Ink:
        """Characters that have strokes are drawn from them, the rest from a face.

        running: by a hand in a hurry.
        """
        hand = Hand(rng, running=running)
        drawn = iter(self._strokes.draw([c for c in text if c in self._strokes], hand, rng))
        glyphs = [
            next(drawn) if c in self._strokes else self._cache.get(face_of[c], c) for c in text
        ]
        return _compose(glyphs, style, rng)


def _compose(
    glyphs: list[Glyph], style: Style, rng: np.random.Generator, *, whole: bool = False
) -> Ink:
    pens = [float(EM)]
    for glyph in glyphs:
        pens.append(pens[-1] + glyph.advance + style.spacing)
    mask: Mask = np.zeros((ROWS, max(EM, int(pens[-1])) + EM), np.uint8)
    bounces = rng.normal(0, style.bounce, len(glyphs)).tolist() if style.bounce else None
    places: list[tuple[float, float]] = []
    for i, glyph in enumerate(glyphs):
        x, y = (
            int(pens[i]) + glyph.left,
            BASELINE + glyph.top + (round(bounces[i]) if bounces else 0),
        )
        _stamp(mask, glyph.mask, x, y)
        width = glyph.mask.shape[1]
        # A character's place is its ink; a space's is its advance.
        places.append((x, x + width) if width else (pens[i], pens[i + 1]))
    spans = np.array(places, np.float32).reshape(-1, 2)
    rows = np.flatnonzero(mask.any(axis=1))
    first, last = (int(rows[0]), int(rows[-1])) if len(rows) else (TOP, TOP + EM)
    if whole:
        first, last = TOP, ROWS - 1 - _ROOM
    mask = mask[max(0, first - _ROOM) : last + 1 + _ROOM]  # the rest would be worked on in vain
    if style.weight > 0:
        mask = np.asarray(cv2.dilate(mask, np.ones((style.weight + 1,) * 2, np.uint8)), np.uint8)
    elif style.weight < 0:
        thin = cv2.erode(mask, np.ones((2, 2), np.uint8))
        mask = np.asarray(cv2.addWeighted(mask, 0.4, thin, 0.6, 0), np.uint8)
    if style.slant or style.stretch != 1.0:
        mask = _slanted(mask, style)
        spans *= style.stretch
    if style.weight:
        rows = np.flatnonzero(mask.any(axis=1))
        first, last = (int(rows[0]), int(rows[-1])) if len(rows) else (0, len(mask) - 1)
    else:
        first, last = min(first, _ROOM), min(first, _ROOM) + last - first
    return Ink(np.asarray(mask, np.uint8), spans, first, last)


def _slanted(mask: Mask, style: Style) -> Mask:
    """Stretched sideways and slanted about the middle row."""
    size = (int(mask.shape[1] * style.stretch) + 1, mask.shape[0])
    if not style.slant:
        return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    middle = mask.shape[0] / 2
    matrix = np.array([[style.stretch, -style.slant, style.slant * middle], [0, 1, 0]], np.float32)
    return np.asarray(cv2.warpAffine(mask, matrix, size), np.uint8)


def _stamp(mask: Mask, glyph: Mask, x: int, y: int) -> None:
    """Brightest of both, cut at the borders."""
    rows, columns = glyph.shape
    if x >= 0 and y >= 0 and y + rows <= mask.shape[0] and x + columns <= mask.shape[1]:
        part = mask[y : y + rows, x : x + columns]  # nearly all
        cv2.max(part, glyph, part)  # a third of what NumPy takes for so few pixels
        return
    x0, y0 = max(x, 0), max(y, 0)
    x1, y1 = min(x + columns, mask.shape[1]), min(y + rows, mask.shape[0])
    if x1 > x0 and y1 > y0:
        part = mask[y0:y1, x0:x1]
        np.maximum(part, glyph[y0 - y : y1 - y, x0 - x : x1 - x], out=part)
