"""What a page is made of, as frozen records: blocks of a kind, and tables with their cells."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal, get_args

from .shapes import Box, rounded

BlockKind = Literal["text", "title", "list", "table", "figure", "header", "footer"]
KINDS: tuple[BlockKind, ...] = get_args(BlockKind)


@dataclasses.dataclass(frozen=True)
class Cell:
    """row, column: 0-based, of its upper left corner. rows, columns: how many it spans.

    box: around the rules of a table that has some, else around what stands in it.
    lines: 0-based, of the page's lines; a line that runs through several cells is in each.
    """

    text: str
    row: int
    column: int
    rows: int
    columns: int
    box: Box
    lines: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "row": self.row,
            "column": self.column,
            "rows": self.rows,
            "columns": self.columns,
            "box": rounded(self.box),
            "lines": list(self.lines),
        }


@dataclasses.dataclass(frozen=True)
class Table:
    """rows, columns: how many there are. cells: row by row; empty ones are left out.

    ruled: rules part its rows and columns; else they stand in line.
    """

    rows: int
    columns: int
    cells: tuple[Cell, ...]
    ruled: bool

    def grid(self) -> list[list[str]]:
        """Rows of texts; of a cell that spans several, all but the first are empty."""
        found = [[""] * self.columns for _ in range(self.rows)]
        for cell in self.cells:
            found[cell.row][cell.column] = cell.text
        return found

    def to_json(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "columns": self.columns,
            "ruled": self.ruled,
            "cells": [cell.to_json() for cell in self.cells],
        }


@dataclasses.dataclass(frozen=True)
class Block:
    """Lines that belong together: a title, a paragraph, a table; or a figure, which has none.

    text: the lines joined as running text. lines: 0-based, of the page's lines.
    items: of a list, the text of each. table: of a table.
    """

    text: str
    box: Box
    lines: tuple[int, ...]
    kind: BlockKind = "text"
    items: tuple[str, ...] = ()
    table: Table | None = None

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "kind": self.kind,
            "text": self.text,
            "box": rounded(self.box),
            "lines": list(self.lines),
        }
        if self.kind == "list":
            found["items"] = list(self.items)
        if self.table is not None:
            found["table"] = self.table.to_json()
        return found


@dataclasses.dataclass(frozen=True)
class Field:
    """What a rule found on a page.

    value: an ISO date, an amount with a point, a number without spaces, or a text. text: as it was
    read. lines: 0-based, of the page's lines.
    """

    name: str
    value: str
    text: str
    box: Box
    lines: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "value": self.value,
            "text": self.text,
            "box": rounded(self.box),
            "lines": list(self.lines),
        }
