"""Made receipts and VAT invoices, whose fields are known: what `benchmarks.page_fields` reads.

The labels are those that people print, not those of the shipped rules. Beside the fields stand
others like them: the buyer's name and tax id, due dates, subtotals, cash, change, telephones.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from ocr_training import degrade
from ocr_training.lines import LineMaker
from ocr_training.pages import SURROUNDINGS
from ocr_training.pages.sheet import Sheet, TrueLine

from .desk import Desk, TrueField
from .layouts import receipt, vat_invoice, western_invoice
from .words import CHINESE, ENGLISH, Words, strange

# How it is composed, in which language, and whether on A4 or on a strip.
KINDS: Final[dict[str, tuple[Callable[[Desk], None], Words, bool]]] = {
    "receipt, en": (receipt, ENGLISH, False),
    "receipt, zh": (receipt, CHINESE, False),
    "invoice, en": (western_invoice, ENGLISH, True),
    "invoice, zh": (vat_invoice, CHINESE, True),
}
ATTEMPTS: Final = 50  # until a slip fits on its paper


@dataclasses.dataclass(frozen=True)
class Slip:
    """image: gray UINT8 (H, W)."""

    image: npt.NDArray[np.uint8]
    lines: tuple[TrueLine, ...]
    fields: tuple[TrueField, ...]


class SlipMaker:
    """Slips of the fonts in `folder`; held_out: fonts and words that training never sees."""

    def __init__(self, folder: Path, *, held_out: bool = True) -> None:
        """Raises FileNotFoundError when the fonts are missing."""
        self._maker = LineMaker(folder, held_out=held_out)

    def make(
        self, seed: int, index: int, kind: str, surroundings: str, *, other_labels: bool = False
    ) -> Slip:
        """A function of its arguments. kind: of `KINDS`; what stands on it is the same in all
        surroundings. other_labels: see `words.strange`.
        """
        compose, words, wide = KINDS[kind]
        words = strange(words) if other_labels else words
        drawn = seed, index, list(KINDS).index(kind)
        for attempt in range(ATTEMPTS):
            rng = np.random.default_rng((*drawn, attempt))
            size = (2200, 1654) if wide else (2000, 760)
            paper = degrade.paper(size, "print", rng, 0.0 if surroundings == "clean" else 1.0)
            # The paper draws from a generator of its own, so that the text is the same on any.
            rng = np.random.default_rng((*drawn, attempt, 1))
            sheet = Sheet(paper, self._maker, rng)
            em = float(rng.uniform(24, 32) if wide else rng.uniform(22, 32))
            margin = sheet.columns * rng.uniform(0.04, 0.08)
            face = self._maker.typeface(rng, "scan" if wide else "photo")
            desk = Desk(
                sheet, face, words, em, em * rng.uniform(1.3, 1.7),
                margin, sheet.columns - margin, em * rng.uniform(1, 3),
            )  # fmt: skip
            try:
                compose(desk)
            except ValueError:
                continue
            sheet.pixels = sheet.pixels[: min(sheet.rows, round(desk.y + 3 * em))]
            return _pictured(desk, surroundings, rng)
        raise ValueError(f"no {kind} {index} of seed {seed} fits")


def _pictured(desk: Desk, surroundings: str, rng: np.random.Generator) -> Slip:
    sheet, lines = desk.sheet, desk.sheet.lines
    every = [*lines, *(field.line for field in desk.fields)]
    pixels, moved = SURROUNDINGS[surroundings](sheet.pixels, every, rng)
    image = np.clip(pixels, 0, 255).astype(np.uint8)
    if surroundings == "photo":
        image = degrade.jpeg(image, int(rng.integers(50, 95)))
    places = moved[len(lines) :]
    fields = (
        dataclasses.replace(field, line=place)
        for field, place in zip(desk.fields, places, strict=True)
    )
    return Slip(image, tuple(moved[: len(lines)]), tuple(fields))
