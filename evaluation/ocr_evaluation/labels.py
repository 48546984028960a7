"""A folder of line images with its `labels.tsv`: the lines to read, and what is wrong with the rest.

`labels.tsv` is UTF-8 with tabs and a header: `file` (beside it, or in folders below), `text`,
`category`, and where they are known `lang` and `slices` (words with commas between them, of what
was done to the image: `blur,dark`). Other columns are left alone. Nothing is quoted.
"""

from __future__ import annotations

import collections
import dataclasses
import posixpath
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, get_args

NAME: Final = "labels.tsv"
NEEDED: Final = ("file", "text", "category")
NO_CATEGORY: Final = "(none)"
_IMAGES: Final = frozenset(".bmp .gif .jpeg .jpg .png .tif .tiff .webp".split())

# What is wrong with a row or a file. Of all but `no category`, the line is left out.
Fault = Literal["columns", "no text", "no image", "no label", "duplicate", "no category"]
FAULTS: Final[tuple[Fault, ...]] = get_args(Fault)
MEANINGS: Final[Mapping[Fault, str]] = {
    "columns": "rows with too many or too few columns",
    "no text": "rows without a text",
    "no image": "rows whose image is not there",
    "no label": "images without a row",
    "duplicate": "rows that name an image again",
    "no category": f"rows without a category, kept as {NO_CATEGORY!r}",
}
# What nobody meant: the set is not what its labels say. An image more than the labels is no fault
# of theirs, and a line without a category is read like any other.
INCOMPLETE: Final[frozenset[Fault]] = frozenset({"columns", "no text", "no image", "duplicate"})


class DatasetError(Exception):
    """There is nothing to read: one line that says why."""


@dataclasses.dataclass(frozen=True)
class Line:
    """file: as the labels name it, from the labels' folder. lang: empty where it is not said."""

    file: str
    text: str
    category: str
    lang: str = ""
    slices: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Problem:
    """said: one line for people, with the row's number or the file's name."""

    fault: Fault
    said: str


@dataclasses.dataclass(frozen=True)
class Dataset:
    """lines: in the labels' order, each with a text and an image."""

    folder: Path
    lines: tuple[Line, ...]
    problems: tuple[Problem, ...]

    def counts(self) -> dict[Fault, int]:
        """Of each fault, zeros included."""
        found = collections.Counter(problem.fault for problem in self.problems)
        return {fault: found[fault] for fault in FAULTS}

    @property
    def complete(self) -> bool:
        return not any(problem.fault in INCOMPLETE for problem in self.problems)

    def problems_json(self) -> dict[str, Any]:
        return {"counts": self.counts(), "said": [problem.said for problem in self.problems]}


def load(where: Path) -> Dataset:
    """where: the folder, or its labels.tsv. Raises DatasetError, one line."""
    labels = where / NAME if where.is_dir() else where
    try:
        content = labels.read_bytes()
        text = content.decode("utf-8-sig")
    except FileNotFoundError:
        raise DatasetError(
            f"{labels} is not there; a folder with {NAME} is needed: {', '.join(NEEDED)} with"
            " tabs between them"
        ) from None
    except OSError as error:
        raise DatasetError(f"{labels} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise DatasetError(f"{labels} is not UTF-8 (byte {error.start}); save it as such") from None
    folder = labels.parent
    rows = parse(text, name=str(labels))
    named = {row.cells["file"] for row in rows if row.cells}
    there = {name for name in named if name and (folder / name).is_file()}
    dataset = examined(folder, rows, there, images_below(folder))
    if not dataset.lines:
        reasons = (f"{n} {MEANINGS[fault]}" for fault, n in dataset.counts().items() if n)
        raise DatasetError(f"{labels} has no line to read: {'; '.join(reasons) or 'it is empty'}")
    return dataset


def images_below(folder: Path) -> list[str]:
    """Names from the folder, in alphabetical order."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix.lower() in _IMAGES and path.is_file()
    )


@dataclasses.dataclass(frozen=True)
class Row:
    """number: of the line in the file, from 1. cells: by column; empty where their count is off."""

    number: int
    cells: Mapping[str, str]
    found: int


def parse(text: str, *, name: str) -> list[Row]:
    """The rows below the header. Raises DatasetError on a header that lacks a column."""
    lines = [line.rstrip("\r") for line in text.split("\n")]
    columns = [cell.strip() for cell in lines[0].split("\t")]
    missing = [column for column in NEEDED if column not in columns]
    if missing or len(set(columns)) < len(columns):
        fault = f"lacks {', '.join(missing)}" if missing else "names a column twice"
        raise DatasetError(
            f"{name}: the first line {fault}; it names the columns {', '.join(NEEDED)} and, where"
            f" known, lang and slices, with tabs between them; found: {', '.join(columns)[:200]!r}"
        )
    rows = []
    for number, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        by_column = dict(zip(columns, cells, strict=True)) if len(cells) == len(columns) else {}
        if by_column.get("file"):
            by_column["file"] = posixpath.normpath(by_column["file"])
        rows.append(Row(number, by_column, len(cells)))
    return rows


def examined(
    folder: Path, rows: Sequence[Row], there: Collection[str], images: Sequence[str]
) -> Dataset:
    """there: files of the rows that exist. images: all below the folder."""
    lines: list[Line] = []
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    for row in rows:
        file, text = row.cells.get("file", ""), row.cells.get("text", "")
        problem = _problem(row, there, seen)
        if problem is not None:
            problems.append(problem)
            continue
        seen[file] = row.number
        category = row.cells["category"]
        if not category:
            said = f"row {row.number}: {file} has no category; it counts as {NO_CATEGORY}"
            problems.append(Problem("no category", said))
        slices = (word.strip() for word in row.cells.get("slices", "").split(","))
        lines.append(
            Line(
                file,
                text,
                category or NO_CATEGORY,
                row.cells.get("lang", ""),
                tuple(dict.fromkeys(filter(None, slices))),
            )
        )
    labelled = {row.cells.get("file") for row in rows}
    problems += [
        Problem("no label", f"{image} has no row in {NAME}")
        for image in images
        if image not in labelled
    ]
    return Dataset(folder, tuple(lines), tuple(problems))


def _problem(row: Row, there: Collection[str], seen: Mapping[str, int]) -> Problem | None:
    """Why a row cannot be read; the first reason."""
    if not row.cells:
        return Problem("columns", f"row {row.number} has {row.found} columns, unlike the header")
    file = row.cells["file"]
    if file in seen:
        return Problem("duplicate", f"row {row.number}: {file} has a row already, {seen[file]}")
    if file not in there:
        return Problem("no image", f"row {row.number}: {file or 'no file named'}: no such image")
    if not row.cells["text"]:
        return Problem("no text", f"row {row.number}: {file} has no text")
    return None
