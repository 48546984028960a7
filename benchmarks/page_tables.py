"""Whether cells of tables come out in their rows and columns, on made pages with a truth.

    python -m benchmarks.page_tables --made 10

Made pages of fonts and words held out (the extra [training] and `make fonts`). Lines are found as
they are on any page, the model's in this process; each one that matches a true line (IoU >= 0.5) is
given its text, so that what is measured is the geometry, and no reading. A cell is right where its line came out in the row and
the column that the truth says, counted from the table's first ones that were found. `cells` is the
share of all true cells that are right; `false` counts tables on which no true cell lies, of
`tables` that were found.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import get_args

import numpy as np

from ocr_client.pages.reading import marks_in
from ocr_client.pages.settings import FinderChoice
from ocr_client.pages.structure import arranged
from ocr_client.results import Quad, ReadLine
from ocr_client.structure import Block
from ocr_preprocessing.fast import Gray
from ocr_preprocessing.page import FoundPage
from ocr_training.pages import KINDS, SURROUNDINGS, PageMaker
from ocr_training.pages.sheet import TrueLine

from .page_finding import MODEL, finder, matches


@dataclasses.dataclass
class Tally:
    """Sums over pages."""

    pages: int = 0
    cells: int = 0
    right: int = 0
    found: int = 0
    tables: int = 0
    false: int = 0

    def row(self) -> dict[str, float]:
        return {
            "pages": self.pages,
            "n": self.cells,
            "cells": self.right / max(1, self.cells),
            "lines": self.found / max(1, self.cells),
            "tables": self.tables,
            "false": self.false,
        }


def blocks(
    image: np.ndarray, truth: Sequence[TrueLine], find: Callable[[Gray], FoundPage]
) -> tuple[tuple[Block, ...], dict[int, TrueLine]]:
    """Of a page (H, W) UINT8; and the true line of each line that has one."""
    page = find(image)
    quads = np.array([line.quad for line in page.lines]).reshape(-1, 4, 2)
    label_of = matches(quads, np.array([line.quad for line in truth]).reshape(-1, 4, 2))
    lines = tuple(_lines(page, truth, label_of))
    ordered, found = arranged(lines, marks_in(image, page, lines), image.shape[1::-1])
    true_of = {line.quad: truth[label_of[n]] for n, line in enumerate(lines) if n in label_of}
    return found, {n: true_of[one.quad] for n, one in enumerate(ordered) if one.quad in true_of}


def _lines(
    page: FoundPage, truth: Sequence[TrueLine], label_of: dict[int, int]
) -> Iterator[ReadLine]:
    for number, line in enumerate(page.lines):
        text = truth[label_of[number]].text if number in label_of else "x"
        one, two, three, four = line.quad
        quad: Quad = (one, two, three, four)
        yield ReadLine(text, 1.0, (), quad, line.vertical, line.block)


def add(
    tally: Tally, truth: Sequence[TrueLine], found: Sequence[Block], true_of: dict[int, TrueLine]
) -> None:
    tally.pages += 1
    tally.cells += sum(line.cell is not None for line in truth)
    tally.found += sum(line.cell is not None for line in true_of.values())
    best: dict[int, int] = collections.Counter()
    for block in found:
        if block.table is None:
            continue
        tally.tables += 1
        votes: dict[int, collections.Counter[tuple[int, int]]] = collections.defaultdict(
            collections.Counter
        )
        for cell in block.table.cells:
            for number in cell.lines:
                true = true_of.get(number)
                if true is not None and true.cell is not None:
                    table, row, column = true.cell
                    votes[table][cell.row - row, cell.column - column] += 1
        tally.false += not votes
        for table, counted in votes.items():
            best[table] = max(best[table], *counted.values())
    tally.right += sum(best.values())


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page_tables")
    parser.add_argument("--made", type=int, default=5, help="pages of each kind and surroundings")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--finder", choices=get_args(FinderChoice), default="auto")
    parser.add_argument("--model", type=Path, default=MODEL, help="of the learned finder")
    parser.add_argument("--fonts", type=Path, default=Path("build/fonts"))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    maker = PageMaker(options.fonts, held_out=True)
    find = finder(options.finder, options.model, 1)
    tallies: dict[str, Tally] = collections.defaultdict(Tally)
    for index in range(options.made):
        for kind in KINDS:
            for surroundings in SURROUNDINGS:
                page = maker.make(options.seed, index, kind, surroundings)
                found, true_of = blocks(page.image, page.lines, find)
                add(tallies[f"{kind}, {surroundings}"], page.lines, found, true_of)
    rows = {kind: tally.row() for kind, tally in tallies.items()}
    if options.json:
        print(json.dumps(rows, indent=1))
        return 0
    print(f"{'kind':22} pages     n   cells   lines  tables  false")
    for kind, row in rows.items():
        print(
            f"{kind:22} {row['pages']:5.0f} {row['n']:5.0f}  {row['cells']:.4f}  "
            f"{row['lines']:.4f}  {row['tables']:6.0f}  {row['false']:5.0f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
