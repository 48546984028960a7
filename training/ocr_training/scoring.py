"""Line accuracy and 1-CER under one written normalisation: NFKC, spaces removed, case kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from ocr_rollout.core.texts import edit_distance, plain


@dataclasses.dataclass(frozen=True)
class Score:
    """n lines; share of lines read whole; 1 - sum(edit distance) / sum(true length)."""

    n: int
    line_accuracy: float
    one_minus_cer: float


def score(pairs: Iterable[tuple[str, str]]) -> Score:
    """Pairs of (truth, reading). Raises ValueError when there are none."""
    lines = [(plain(truth), plain(reading)) for truth, reading in pairs]
    if not lines:
        raise ValueError("no lines to score")
    distances = sum(edit_distance(truth, reading) for truth, reading in lines)
    length = sum(len(truth) for truth, _ in lines)
    right = sum(truth == reading for truth, reading in lines)
    return Score(len(lines), right / len(lines), 1 - distances / max(1, length))
