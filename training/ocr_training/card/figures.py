"""Scores with their uncertainty. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from ocr_rollout.core.resampling import LEAST, interval, resampled_sums
from ocr_rollout.core.texts import edit_distance


@dataclasses.dataclass(frozen=True)
class Interval:
    """95 % of the bootstrap distribution (percentiles), lines resampled with replacement."""

    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class Accuracy:
    """n lines; share read whole; 1 - sum(edit distance) / sum(true length), each with 95 %."""

    n: int
    line: float
    line_interval: Interval | None
    one_minus_cer: float
    cer_interval: Interval | None


def accuracy(pairs: Sequence[tuple[str, str]], *, seed: int = 0) -> Accuracy:
    """Of (truth, reading), both normalised. Raises ValueError when there are none."""
    if not pairs:
        raise ValueError("no lines to score")
    wrong = np.array([edit_distance(truth, reading) for truth, reading in pairs], np.float64)
    length = np.array([len(truth) for truth, _ in pairs], np.float64)
    whole = np.array([truth == reading for truth, reading in pairs], np.float64)
    n = len(pairs)
    line_interval = cer_interval = None
    if n >= LEAST:
        sums = resampled_sums(np.column_stack([whole, wrong, length]), seed=seed)
        line_interval = Interval(*interval(sums[:, 0] / n))
        cer_interval = Interval(*interval(1 - sums[:, 1] / np.maximum(sums[:, 2], 1.0)))
    rate = 1 - float(wrong.sum()) / max(float(length.sum()), 1.0)
    return Accuracy(n, float(whole.mean()), line_interval, rate, cer_interval)
