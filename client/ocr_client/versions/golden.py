"""Golden lines: images with known truth, and what a version may get wrong on them.

The truth is what stands on the image, typed by a person or drawn by a program; never what a
model read. A folder of them holds images and `labels.tsv` with the columns `file` and `text`.
"""

from __future__ import annotations

import csv
import dataclasses
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from .errors import RepositoryError

LABELS = "labels.tsv"
# Our shipped versions read the shipped ten lines at 6 % and 9 %; noise and random weights at 100 %.
CER_LIMIT = 0.20
# On 117 characters one character is 0.9 %: six may differ before a version counts as worse.
CER_MARGIN = 0.05


@dataclasses.dataclass(frozen=True)
class GoldenLine:
    path: Path
    text: str


@dataclasses.dataclass(frozen=True)
class GoldenSet:
    """At least one line, and at least one character."""

    folder: Path
    lines: tuple[GoldenLine, ...]

    @property
    def characters(self) -> int:
        return sum(len(normal(line.text)) for line in self.lines)

    @classmethod
    def read(cls, folder: Path) -> GoldenSet:
        """Raises RepositoryError naming what is missing."""
        labels = folder / LABELS
        try:
            with labels.open(encoding="utf-8", newline="") as file:
                # A quotation mark is a character of the line, not a mark of the table.
                rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
        except OSError as error:
            raise RepositoryError(
                f"golden lines: {labels}: {(error.strerror or str(error)).lower()}; name a folder "
                "of images with a labels.tsv (columns file and text): --smoke DIR"
            ) from None
        except UnicodeDecodeError:
            raise RepositoryError(f"golden lines: {labels}: not UTF-8") from None
        lines = []
        for number, row in enumerate(rows, start=2):
            name, text = row.get("file"), row.get("text")
            if not name or text is None:
                raise RepositoryError(f"golden lines: {labels}: line {number}: no file or no text")
            if not (folder / name).is_file():
                raise RepositoryError(f"golden lines: {labels}: line {number}: {name} is missing")
            lines.append(GoldenLine(folder / name, text))
        found = cls(folder, tuple(lines))
        if not found.characters:
            raise RepositoryError(f"golden lines: {labels}: not one character to read")
        return found


@dataclasses.dataclass(frozen=True)
class Score:
    """What an arm read. edits: of all lines. readings: in the order of the set.

    measure: what `cer` is called when it is told to people.
    """

    arm: str
    edits: int
    characters: int
    readings: tuple[str, ...]
    measure: str = "CER"

    @property
    def cer(self) -> float:
        """Character error rate: sum of edit distances / sum of lengths; may exceed 1."""
        return self.edits / self.characters


@dataclasses.dataclass(frozen=True)
class Tolerance:
    """limit: the highest error rate, 0..1. margin: how much above the reference's it may lie."""

    limit: float = CER_LIMIT
    margin: float = CER_MARGIN


@dataclasses.dataclass(frozen=True)
class GoldenVerdict:
    """passed, and why in one line with the numbers compared."""

    passed: bool
    reason: str


def score(arm: str, golden: GoldenSet, readings: Sequence[str]) -> Score:
    """NFKC, no white space, case kept: as the accuracies in meta.json are counted."""
    edits = sum(
        distance(normal(line.text), normal(reading))
        for line, reading in zip(golden.lines, readings, strict=True)
    )
    return Score(arm, edits, golden.characters, tuple(readings))


def judge(found: Score, reference: Score | None, tolerance: Tolerance) -> GoldenVerdict:
    """Against the limit, and against the version in production where there is one."""
    said = f"{found.measure} {found.cer:.1%} on {found.characters} golden characters"
    if found.cer > tolerance.limit:
        return GoldenVerdict(False, f"{said}, the limit is {tolerance.limit:.1%}")
    if reference is None:
        return GoldenVerdict(True, f"{said} (limit {tolerance.limit:.1%})")
    most = reference.cer + tolerance.margin
    said = f"{said}, {reference.arm} has {reference.cer:.1%}"
    if found.cer > most:
        return GoldenVerdict(False, f"{said}, so at most {most:.1%} is accepted")
    return GoldenVerdict(True, f"{said} (limit {min(tolerance.limit, most):.1%})")


def normal(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())


def distance(left: str, right: str) -> int:
    """Levenshtein's edit distance."""
    before = list(range(len(right) + 1))
    for row, a in enumerate(left, start=1):
        now = [row]
        for column, b in enumerate(right, start=1):
            now.append(min(before[column] + 1, now[-1] + 1, before[column - 1] + (a != b)))
        before = now
    return before[-1]
