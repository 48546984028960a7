"""Scores with their uncertainty, and whether confidence can be believed. All pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ocr_training.scoring import edit_distance

RESAMPLES = 2_000
LEAST_FOR_INTERVAL = 5  # lines; fewer say nothing about others
BIN_EDGES = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)


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
    n, least = len(pairs), 1.0
    line_interval = cer_interval = None
    if n >= LEAST_FOR_INTERVAL:
        chosen = np.random.default_rng(seed).integers(n, size=(RESAMPLES, n))
        line_interval = _interval(whole[chosen].mean(axis=1))
        totals = np.maximum(length[chosen].sum(axis=1), least)
        cer_interval = _interval(1 - wrong[chosen].sum(axis=1) / totals)
    rate = 1 - float(wrong.sum()) / max(float(length.sum()), least)
    return Accuracy(n, float(whole.mean()), line_interval, rate, cer_interval)


def _interval(values: npt.NDArray[np.float64]) -> Interval:
    low, high = np.percentile(values, [2.5, 97.5])
    return Interval(float(low), float(high))


@dataclasses.dataclass(frozen=True)
class Bin:
    """Lines whose confidence lies in (low, high], the first bin's low included."""

    low: float
    high: float
    n: int
    confidence: float
    right: float


@dataclasses.dataclass(frozen=True)
class Calibration:
    """bins: those that hold lines. error: expected calibration error (Naeini et al. 2015).

    auroc: chance that a line read whole has a higher confidence than one that was not
        (Mann-Whitney); None where all lines are of one sort.
    """

    n: int
    bins: tuple[Bin, ...]
    error: float
    auroc: float | None


def calibration(confidence: Sequence[float], right: Sequence[bool]) -> Calibration:
    """A line's confidence against whether it was read whole. Raises ValueError without lines."""
    if not confidence or len(confidence) != len(right):
        raise ValueError("calibration needs lines, with one confidence for each")
    sure, whole = np.asarray(confidence, np.float64), np.asarray(right, np.float64)
    places = np.clip(np.searchsorted(BIN_EDGES, sure, side="left"), 1, len(BIN_EDGES) - 1)
    bins = tuple(
        Bin(
            BIN_EDGES[place - 1],
            BIN_EDGES[place],
            int((places == place).sum()),
            float(sure[places == place].mean()),
            float(whole[places == place].mean()),
        )
        for place in sorted(set(places.tolist()))
    )
    error = sum(part.n * abs(part.confidence - part.right) for part in bins) / len(sure)
    return Calibration(len(sure), bins, error, auroc(sure, whole > 0))


def auroc(score: npt.NDArray[np.float64], positive: npt.NDArray[np.bool_]) -> float | None:
    """Mann-Whitney U over the product of counts; ties count one half."""
    yes, no = score[positive], score[~positive]
    if not len(yes) or not len(no):
        return None
    ordered = np.sort(no)
    below = np.searchsorted(ordered, yes, side="left")
    not_above = np.searchsorted(ordered, yes, side="right")
    return float((below + not_above).sum() / (2 * len(yes) * len(no)))
