"""A table before it is one of the page's: which pieces of text stand in which of its cells."""

from __future__ import annotations

import dataclasses

from ocr_client.pages.layout import running_text
from ocr_client.shapes import Box
from ocr_client.structure import Cell, Table
from ocr_preprocessing.page import Frame

from .placed import Placed, around, image_box
from .rows import rows_of


@dataclasses.dataclass(frozen=True)
class Held:
    """A cell and what stands in it. box: in the upright page, of the rules; None: of its text."""

    row: int
    column: int
    rows: int
    columns: int
    pieces: tuple[Placed, ...]
    box: Box | None = None


@dataclasses.dataclass(frozen=True)
class Grid:
    """cells: with text only. box: in the upright page."""

    rows: int
    columns: int
    cells: tuple[Held, ...]
    ruled: bool
    box: Box

    @property
    def lines(self) -> tuple[int, ...]:
        """Row by row, each once."""
        ordered = sorted(self.cells, key=lambda cell: (cell.row, cell.column))
        return tuple(dict.fromkeys(piece.line for cell in ordered for piece in cell.pieces))

    def table(self, frame: Frame, number_of: dict[int, int]) -> Table:
        """number_of: of a line, the number that it has in the end."""
        return Table(
            self.rows,
            self.columns,
            tuple(
                Cell(
                    cell_text(held.pieces),
                    held.row,
                    held.column,
                    held.rows,
                    held.columns,
                    image_box(frame, held.box or around(piece.box for piece in held.pieces)),
                    tuple(sorted({number_of[piece.line] for piece in held.pieces})),
                )
                for held in sorted(self.cells, key=lambda cell: (cell.row, cell.column))
            ),
            self.ruled,
        )


def cell_text(pieces: tuple[Placed, ...]) -> str:
    """Its rows as running text."""
    return running_text(" ".join(one.text for one in row) for row in rows_of(pieces))
