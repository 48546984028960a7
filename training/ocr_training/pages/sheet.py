"""A sheet that lines are set on one by one, with a record of each."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import numpy.typing as npt

from ocr_training.glyphs import EM, Mask
from ocr_training.layout import Style
from ocr_training.lines import LineMaker, Typeface

Pixels = npt.NDArray[np.float32]
LYING = "—（）《》【】“”「」…：；"  # turned with the column
RAISED = "，。、"  # in the upper right corner of their cell
Quad = tuple[tuple[float, float], ...]


@dataclasses.dataclass(frozen=True)
class TrueLine:
    """A line of a made page.

    quad: around its ink, as of `ocr_preprocessing.page.FoundLine`. block: counted in reading
    order, as the lines of a page are listed. cell: of a table: which table, row and column.
    """

    quad: Quad
    text: str
    vertical: bool
    block: int
    cell: tuple[int, int, int] | None = None


@dataclasses.dataclass
class Sheet:
    """pixels: (H, W) gray levels as float. lines: in reading order so far."""

    pixels: Pixels
    maker: LineMaker
    rng: np.random.Generator
    lines: list[TrueLine] = dataclasses.field(default_factory=list)
    block: int = 0

    @property
    def rows(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def columns(self) -> int:
        return int(self.pixels.shape[1])

    def next_block(self) -> None:
        """What is set from now on is another paragraph, column or table."""
        if self.lines and self.lines[-1].block == self.block:
            self.block += 1

    def set_line(  # noqa: PLR0913  # where, how, and as what
        self,
        text: str,
        face: Typeface,
        *,
        across: tuple[float, float],
        top: float,
        size: float,
        align: str = "left",
        ink: float = 20.0,
        style: Style = Style(),  # noqa: B008  # frozen
        cell: tuple[int, int, int] | None = None,
    ) -> float:
        """Sets a text in one line; returns where its ink ends, its left end where there is none.

        across: left and right end; what does not fit between is left out. top: of the em box.
        size: pixels of the em. align: left, right or centre. ink: gray level.
        cell: of a table, see `TrueLine`.
        """
        left, right = across
        mask, kept = self._ink(text, face, size, style, right - left)
        if not kept:
            return left
        x = left
        if align != "left":
            room = right - left - mask.shape[1]
            x = left + (room if align == "right" else room / 2)
        box = self._stamp(mask, round(x), round(top), ink)
        if box is None:
            return left
        self._record(box, kept, vertical=False, cell=cell)
        return float(box[2])

    def set_column(
        self,
        text: str,
        face: Typeface,
        *,
        left: float,
        top: float,
        bottom: float,
        size: float,
        gap: float = 0.08,
        ink: float = 20.0,
    ) -> None:
        """Characters one below the other; `gap` ems between them. Latin words lie on their side."""
        boxes: list[tuple[int, int, int, int]] = []
        kept, y = "", top
        for piece in upright_pieces(text):
            mask, drawn = self._ink(piece, face, size, Style(), None)
            if not drawn:
                continue
            mask = mask[: round(1.2 * size)]
            high, across, down = size, (size - mask.shape[1]) / 2, 0.0
            if piece.isascii() or piece in LYING:
                mask = np.asarray(cv2.rotate(mask, cv2.ROTATE_90_CLOCKWISE), np.uint8)
                high, across = float(mask.shape[0]), size - mask.shape[1]
            elif piece in RAISED:
                across, down = 0.95 * size - mask.shape[1], -0.6 * size
            if y + high > bottom:
                break
            box = self._stamp(mask, round(left + across), round(y + down), ink)
            if box is not None:
                boxes.append(box)
                kept += drawn
            y += high + gap * size
        if boxes:
            sides = np.array(boxes)
            low, high_ = sides[:, :2].min(axis=0), sides[:, 2:].max(axis=0)
            self._record((*low.tolist(), *high_.tolist()), kept, vertical=True)

    def _record(
        self,
        box: tuple[int, int, int, int],
        text: str,
        *,
        vertical: bool,
        cell: tuple[int, int, int] | None = None,
    ) -> None:
        x0, y0, x1, y1 = map(float, box)
        quad = ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
        self.lines.append(TrueLine(quad, text, vertical, self.block, cell))

    def _ink(
        self, text: str, face: Typeface, size: float, style: Style, room: float | None
    ) -> tuple[Mask, str]:
        """The text's ink at `size` and what of it fits; rows from the top of the em box."""
        drawn = self.maker.set(text, face, style, self.rng)
        if drawn is None:
            return np.zeros((1, 1), np.uint8), ""
        ink, kept = drawn
        scale = size / EM
        left = float(ink.spans[:, 0].min())
        if room is not None:
            fits = int(np.searchsorted((ink.spans[:, 1] - left) * scale > room, True))
            kept = kept[:fits].rstrip()
            ink.spans = ink.spans[: len(kept)]
        if not kept:
            return np.zeros((1, 1), np.uint8), ""
        right = float(ink.spans[:, 1].max())
        mask = ink.mask[:, max(0, int(left)) : int(np.ceil(right))]
        shape = (max(1, round(mask.shape[1] * scale)), max(1, round(mask.shape[0] * scale)))
        small = np.asarray(cv2.resize(mask, shape, interpolation=cv2.INTER_AREA), np.uint8)
        return small, kept

    def _stamp(self, mask: Mask, x: int, y: int, level: float) -> tuple[int, int, int, int] | None:
        """Writes the mask over the pixels; returns the box of its ink."""
        x0, y0 = max(x, 0), max(y, 0)
        x1, y1 = min(x + mask.shape[1], self.columns), min(y + mask.shape[0], self.rows)
        if x1 <= x0 or y1 <= y0:
            return None
        cut = mask[y0 - y : y1 - y, x0 - x : x1 - x]
        visible = cut > 80  # of 255: fainter pixels are the soft edge of a stroke
        across, down = np.flatnonzero(visible.any(axis=0)), np.flatnonzero(visible.any(axis=1))
        if not len(across):
            return None
        part = self.pixels[y0:y1, x0:x1]
        part += cut * np.float32(1 / 255) * (np.float32(level) - part)
        return (
            x0 + int(across[0]), y0 + int(down[0]), x0 + int(across[-1]) + 1, y0 + int(down[-1]) + 1
        )  # fmt: skip

    def rule(self, left: float, top: float, right: float, bottom: float, ink: float = 60.0) -> None:
        """A filled box, thin ones are rules."""
        start, end = (round(left), round(top)), (round(right) - 1, round(bottom) - 1)
        cv2.rectangle(self.pixels, start, end, float(ink), -1)


def upright_pieces(text: str) -> list[str]:
    """A text as it is set in a column: wide characters one by one, Latin words whole."""
    pieces: list[str] = []
    for character in text:
        narrow = character.isascii() and not character.isspace()
        if narrow and pieces and pieces[-1].isascii():
            pieces[-1] += character
        elif not character.isspace():
            pieces.append(character)
    return pieces
