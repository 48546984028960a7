"""Whether confidence can be believed: how sure an arm was of lines, and how many were right."""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Sequence
from typing import Final

# Narrow where most confidences are.
BIN_EDGES: Final = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)


@dataclasses.dataclass(frozen=True, slots=True)
class Bin:
    """Lines whose confidence lies in (low, high], the first bin's low included.

    confidence: their mean; right: the share of them that was read whole.
    """

    low: float
    high: float
    n: int
    confidence: float
    right: float


@dataclasses.dataclass(frozen=True, slots=True)
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
    """A line's confidence 0..1 against whether it was read whole. Raises ValueError without lines."""
    if not len(confidence) or len(confidence) != len(right):
        raise ValueError("calibration needs lines, with one confidence for each")
    members: dict[int, list[tuple[float, bool]]] = {}
    for sure, whole in zip(confidence, right, strict=True):
        place = min(max(bisect.bisect_left(BIN_EDGES, sure), 1), len(BIN_EDGES) - 1)
        members.setdefault(place, []).append((sure, whole))
    bins = tuple(_bin(place, members[place]) for place in sorted(members))
    error = sum(part.n * abs(part.confidence - part.right) for part in bins) / len(confidence)
    return Calibration(len(confidence), bins, error, auroc(confidence, right))


def _bin(place: int, members: Sequence[tuple[float, bool]]) -> Bin:
    n = len(members)
    sure, right = (float(sum(column)) / n for column in zip(*members, strict=True))
    return Bin(BIN_EDGES[place - 1], BIN_EDGES[place], n, sure, right)


def auroc(score: Sequence[float], positive: Sequence[bool]) -> float | None:
    """Mann-Whitney's U by the product of both counts; ties count one half."""
    yes = [one for one, is_positive in zip(score, positive, strict=True) if is_positive]
    no = sorted(one for one, is_positive in zip(score, positive, strict=True) if not is_positive)
    if not yes or not no:
        return None
    below = sum(bisect.bisect_left(no, one) + bisect.bisect_right(no, one) for one in yes)
    return below / (2 * len(yes) * len(no))
