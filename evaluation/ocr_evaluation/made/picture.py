"""One labelled image of a kind: a function of (kind, seed, index) and of the fonts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ocr_training.dataset import Labelled
from ocr_training.fonts import catalogue
from ocr_training.lines import LineMaker

from .camera import taken
from .chance import Draw
from .invoices import invoice
from .kinds import Kind
from .page import page

_GHOSTS = ("仅供办理业务使用", "复印无效", "内部资料", "已收讫", "样本")


class PictureMaker:
    """Of the fonts in a folder that `make fonts` filled.

    held_out: false where training sees all of these faces, as with the few that tests have.
    """

    def __init__(self, fonts: Path) -> None:
        """Raises FileNotFoundError when the fonts are missing."""
        self._lines = LineMaker(fonts, held_out=True)
        self.held_out = any(font.held_out for font in catalogue(fonts))
        self._ghosts = [self._lines.ink(text) for text in _GHOSTS]

    def make(self, kind: Kind, seed: int, index: int) -> Labelled:
        draw = Draw(kind, seed, index)
        rng = draw.stream("text")
        wanted = invoice(self._lines.corpus, rng) if kind == "invoice" else ""
        text, ink = self._lines.written(rng, "photo" if kind == "invoice" else kind, wanted)
        ghost = self._ghosts[rng.integers(len(self._ghosts))]
        ending, content = taken(draw, page(draw, ink, ghost))
        return Labelled(f"{kind}_{index:04d}{ending}", content, text, kind, tuple(draw.done))

    def pictures(self, kinds: Sequence[Kind], count: int, seed: int) -> Iterator[Labelled]:
        """`count` of each kind, kind by kind."""
        return (self.make(kind, seed, index) for kind in kinds for index in range(count))
