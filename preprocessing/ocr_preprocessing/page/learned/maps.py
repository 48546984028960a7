"""Asking the model for a page, in tiles where it is large, and putting the maps together.

Tiles overlap, and of each only the inner part is kept: what a seam would cut is seen whole by
both sides, and nothing is there twice, because lines are looked for in the maps of the whole page.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import numpy.typing as npt

from ocr_preprocessing.fast import Gray
from ocr_preprocessing.finder_spec import CELL, COARSE, STRIDE

INNER = 960  # pixels a side that are kept of a tile
HALO = 96  # around them; a multiple of COARSE
WHOLE = 1_500_000  # pixels that are not cut into tiles

# A part of the page (1, 1, H, W) UINT8, H and W multiples of STRIDE -> the maps `where` and `shape`.
AskMaps = Callable[[Gray], tuple[Gray, Gray]]


class MapsError(ValueError):
    """What the model gave are no such maps. One line."""


@dataclasses.dataclass(frozen=True)
class Maps:
    """Of a page: all UINT8, as of `FinderSpec`.

    kernel, text: (rows/2, columns/2). height, column: (rows/4, columns/4). Rounded up.
    """

    kernel: npt.NDArray[np.uint8]
    text: npt.NDArray[np.uint8]
    height: npt.NDArray[np.uint8]
    column: npt.NDArray[np.uint8]


@dataclasses.dataclass(frozen=True)
class Tile:
    """top, left, bottom, right: of what is looked at; keep: of what is taken from it, likewise."""

    top: int
    left: int
    bottom: int
    right: int
    keep: tuple[int, int, int, int]


def maps_of(gray: Gray, ask: AskMaps) -> Maps:
    """Maps of the page (H, W). Raises MapsError, and what `ask` raises."""
    rows, columns = gray.shape
    fine = (-(-rows // CELL), -(-columns // CELL))
    coarse = (-(-rows // COARSE), -(-columns // COARSE))
    found = Maps(*(np.zeros(shape, np.uint8) for shape in (fine, fine, coarse, coarse)))
    for tile in tiles(rows, columns):
        part = padded(gray[tile.top : tile.bottom, tile.left : tile.right])
        where, shape = ask(part[None, None])
        _check(where, (1, 2, part.shape[0] // CELL, part.shape[1] // CELL))
        _check(shape, (1, 2, part.shape[0] // COARSE, part.shape[1] // COARSE))
        for target, source, cell in (
            (found.kernel, where[0, 0], CELL), (found.text, where[0, 1], CELL),
            (found.height, shape[0, 0], COARSE), (found.column, shape[0, 1], COARSE),
        ):  # fmt: skip
            _place(target, source, tile, cell)
    return found


def tiles(rows: int, columns: int) -> Iterator[Tile]:
    """That cover the page, each pixel kept once; edges lie at multiples of COARSE."""
    if rows * columns <= WHOLE:
        yield Tile(0, 0, rows, columns, (0, 0, rows, columns))
        return
    for top in range(0, rows, INNER):
        for left in range(0, columns, INNER):
            keep = (top, left, min(top + INNER, rows), min(left + INNER, columns))
            yield Tile(
                max(0, top - HALO),
                max(0, left - HALO),
                min(rows, top + INNER + HALO),
                min(columns, left + INNER + HALO),
                keep,
            )


def padded(gray: Gray) -> Gray:
    """Repeats its last row and column until both sides are multiples of STRIDE."""
    below, right = -gray.shape[0] % STRIDE, -gray.shape[1] % STRIDE
    kind = cv2.BORDER_REPLICATE
    return np.asarray(cv2.copyMakeBorder(gray, 0, below, 0, right, kind), np.uint8)


def _place(target: Gray, source: Gray, tile: Tile, cell: int) -> None:
    top, left, bottom, right = tile.keep
    rows = slice(top // cell, min(-(-bottom // cell), target.shape[0]))
    columns = slice(left // cell, min(-(-right // cell), target.shape[1]))
    y, x = tile.top // cell, tile.left // cell
    target[rows, columns] = source[
        rows.start - y : rows.stop - y, columns.start - x : columns.stop - x
    ]


def _check(found: Gray, shape: tuple[int, ...]) -> None:
    if found.dtype != np.uint8 or found.shape != shape:
        raise MapsError(f"a map is {found.dtype} {found.shape}, expected uint8 {shape}")
