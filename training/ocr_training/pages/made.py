"""Made pages: each a function of (seed, index), of a kind and of what was done to it since."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ocr_training import degrade
from ocr_training.lines import LineMaker

from . import camera, compositions, screens
from .sheet import Sheet, TrueLine

# Kind: how it is composed, its sides in pixels (columns, rows), and the em of its text.
KINDS: dict[str, tuple[compositions.Compose, tuple[int, int], tuple[float, float]]] = {
    "article": (compositions.article, (1654, 2339), (24, 40)),
    "receipt": (compositions.receipt, (760, 1600), (22, 34)),
    "form": (compositions.form, (1654, 2339), (24, 36)),
    "screen": (screens.screen, (1366, 768), (15, 22)),
    "vertical": (compositions.vertical, (1400, 1000), (26, 44)),
}
SURROUNDINGS = {
    "clean": camera.cleanly,
    "scan": camera.scanned,
    "photo": camera.photographed,
}


@dataclasses.dataclass(frozen=True)
class MadePage:
    """image: gray UINT8 (H, W). lines: in reading order. kind, surroundings: as asked for."""

    image: npt.NDArray[np.uint8]
    lines: tuple[TrueLine, ...]
    kind: str
    surroundings: str


class PageMaker:
    """Makes pages from the fonts in `folder` (see `make fonts`).

    held_out: fonts and words that training never sees, for evaluation.
    """

    def __init__(self, folder: Path, *, held_out: bool = False) -> None:
        """Raises FileNotFoundError when the fonts are missing."""
        self._maker = LineMaker(folder, held_out=held_out)

    def make(self, seed: int, index: int, kind: str = "", surroundings: str = "") -> MadePage:
        """Page `index` of the stream `seed`; kind and surroundings are drawn when left out.

        Raises ValueError naming what is accepted.
        """
        for name, chosen, known in (
            ("kind", kind, KINDS),
            ("surroundings", surroundings, SURROUNDINGS),
        ):
            if chosen and chosen not in known:
                raise ValueError(f"{name}: {chosen!r} is not one of {', '.join(known)}")
        rng = np.random.default_rng((seed, index))
        drawn = str(rng.choice(list(KINDS))), str(rng.choice(list(SURROUNDINGS)))
        kind, surroundings = kind or drawn[0], surroundings or drawn[1]
        compose, (columns, rows), ems = KINDS[kind]
        size = (round(rows * rng.uniform(0.8, 1.2)), round(columns * rng.uniform(0.9, 1.1)))
        paper = degrade.paper(size, "print", rng, 0.0 if surroundings == "clean" else 1.0)
        sheet = Sheet(paper, self._maker, rng)
        compose(sheet, float(rng.uniform(*ems)))
        pixels, lines = SURROUNDINGS[surroundings](sheet.pixels, sheet.lines, rng)
        image = np.clip(pixels, 0, 255).astype(np.uint8)
        if surroundings == "photo" or rng.random() < 0.3:
            image = degrade.jpeg(image, int(rng.integers(50, 95)))
        return MadePage(image, tuple(lines), kind, surroundings)
