"""Lines of more than one size: small translations, big numbers, set-apart characters."""

from __future__ import annotations

import dataclasses

import numpy as np

from ocr_training.glyphs import EM, Glyph

_WIDE = 0x2E80  # from here on characters are as wide as they are high


@dataclasses.dataclass(frozen=True)
class Setting:
    """For each character of a text: scale of its size, pixels above the baseline, gap after it."""

    scales: tuple[float, ...]
    lifts: tuple[int, ...]
    gaps: tuple[float, ...]

    def applied(self, index: int, glyph: Glyph) -> Glyph:
        """The glyph as character `index` of the text is set."""
        if self.scales[index] != 1.0:
            glyph = glyph.scaled(self.scales[index])
        top, advance = glyph.top - self.lifts[index], glyph.advance + self.gaps[index]
        return Glyph(glyph.mask, glyph.left, top, advance)


def draw_setting(text: str, *, sizes: bool, gaps: bool, rng: np.random.Generator) -> Setting:
    """sizes: one script, or the end of the line, is smaller. gaps: Chinese, or where there is
    none Latin, is set apart.
    """
    small = _small(text, rng) if sizes else [False] * len(text)
    scale = float(rng.uniform(0.5, 0.9)) if sizes else 1.0
    lift = round((1 - scale) * EM * rng.choice((0.0, 0.0, 0.3, 0.45, 0.8))) if sizes else 0
    apart = float(EM * rng.uniform(0.1, 1.2) ** 2) if gaps else 0.0
    of_wide = any(ord(c) >= _WIDE for c in text)
    return Setting(
        tuple(scale if one else 1.0 for one in small),
        tuple(lift if one else 0 for one in small),
        tuple(apart if ord(c) >= _WIDE else 0.0 if of_wide else apart / 3 for c in text),
    )


def _small(text: str, rng: np.random.Generator) -> list[bool]:
    """Which characters are the small ones: a script, or all from a character on."""
    narrow = [ord(c) < _WIDE or c in "（）：" for c in text]
    roll = rng.random()
    if roll < 0.6 and any(narrow) and not all(narrow):
        return narrow
    if roll < 0.75 and any(narrow):
        return [not one for one in narrow]
    start = int(rng.integers(1, max(2, len(text))))
    return [i >= start for i in range(len(text))]
