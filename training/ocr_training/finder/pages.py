"""Pages that the line finder learns on: a function of (seed, index)."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ocr_training import degrade
from ocr_training.lines import LineMaker
from ocr_training.pages import SURROUNDINGS, TrueLine
from ocr_training.pages.camera import cleanly
from ocr_training.pages.made import KINDS
from ocr_training.pages.sheet import Sheet

from . import compositions
from .textures import texture

# Kind: share, how it is composed, its sides in pixels (columns, rows), and the em of its text.
MIX = {
    **{
        kind: (share, *KINDS[kind])
        for kind, share in (
            ("article", 0.12), ("receipt", 0.09), ("form", 0.08), ("screen", 0.11),
            ("vertical", 0.2),
        )
    },
    "slip": (0.2, compositions.slip, (760, 1400), (18, 36)),
    "scene": (0.2, compositions.scene, (1000, 1000), (11, 26)),
}  # fmt: skip
TEXTURED = 0.12  # of pages other than scenes are printed on something that is not paper
BLOTTED = 0.35  # of them have dots and dashes beside their text


@dataclasses.dataclass(frozen=True)
class FinderPage:
    """image: gray UINT8 (H, W). plain: dark ink on light, even paper and nothing else."""

    image: npt.NDArray[np.uint8]
    lines: tuple[TrueLine, ...]
    kind: str
    plain: bool


class FinderPages:
    """Makes them from the fonts in `folder` (see `make fonts`).

    held_out: fonts and words that training never sees, for evaluation.
    """

    def __init__(self, folder: Path, *, held_out: bool = False) -> None:
        """Raises FileNotFoundError when the fonts are missing."""
        self._maker = LineMaker(folder, held_out=held_out)

    def make(self, seed: int, index: int, kind: str = "") -> FinderPage:
        """Page `index` of the stream `seed`; the kind is drawn when left out."""
        rng = np.random.default_rng((seed, index, 7))
        shares = np.array([entry[0] for entry in MIX.values()])
        drawn = str(rng.choice(list(MIX), p=shares / shares.sum()))
        kind = kind or drawn
        _, compose, (columns, rows), ems = MIX[kind]
        size = (round(rows * rng.uniform(0.7, 1.2)), round(columns * rng.uniform(0.75, 1.15)))
        surroundings = str(rng.choice(("clean", "scan", "photo"), p=(0.4, 0.25, 0.35)))
        textured = kind == "scene" or rng.random() < TEXTURED
        if kind == "scene":
            paper = texture(size, rng)
            surroundings = "photo" if rng.random() < 0.4 else "clean"
        elif textured:
            dark = rng.uniform(0.15, 0.5)
            paper = 255 - (255 - texture(size, rng)) * np.float32(dark)
        else:
            harm = 0.0 if surroundings == "clean" else 1.0
            paper = degrade.paper(size, "print" if rng.random() < 0.5 else "photo", rng, harm)
        sheet = Sheet(paper, self._maker, rng)
        em = float(rng.uniform(*ems))
        compose(sheet, em)
        if kind != "scene" and rng.random() < BLOTTED:
            compositions.blots(sheet, em)
        view = SURROUNDINGS.get(surroundings, cleanly)
        pixels, lines = view(sheet.pixels, sheet.lines, rng)
        plain = surroundings == "clean" and not textured and kind != "screen"
        image = np.clip(pixels, 0, 255).astype(np.uint8)
        return FinderPage(image, tuple(lines), kind, plain)
