"""Line accuracy and 1-CER under one written normalisation: NFKC, spaces removed, case kept."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Iterable


@dataclasses.dataclass(frozen=True)
class Score:
    """n lines; share of lines read whole; 1 - sum(edit distance) / sum(true length)."""

    n: int
    line_accuracy: float
    one_minus_cer: float


def normalise(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())


def score(pairs: Iterable[tuple[str, str]]) -> Score:
    """Pairs of (truth, reading). Raises ValueError when there are none."""
    lines = [(normalise(truth), normalise(reading)) for truth, reading in pairs]
    if not lines:
        raise ValueError("no lines to score")
    distances = sum(edit_distance(truth, reading) for truth, reading in lines)
    length = sum(len(truth) for truth, _ in lines)
    right = sum(truth == reading for truth, reading in lines)
    return Score(len(lines), right / len(lines), 1 - distances / max(1, length))


def edit_distance(a: str, b: str) -> int:
    """Levenshtein distance, one row at a time."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        diagonal, row[0] = row[0], i
        for j, y in enumerate(b, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (x != y))
    return row[-1]
