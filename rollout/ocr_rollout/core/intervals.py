"""Intervals for people who look once: at a gate, on a page. None of them bears looking for ever.

What decides by itself uses `review`. All are of 95 %; their coverage is measured in
tests/rollout/test_review_statistics.py.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Final

from .reviews import Disputes, Lines

Z: Final = 1.959964  # of 95 %, two-sided


@dataclasses.dataclass(frozen=True, slots=True)
class Estimate:
    """A share or a difference with its interval, and of how many lines."""

    value: float
    low: float
    high: float
    n: int

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def wilson(s: int, n: int) -> Estimate | None:
    """Of n lines s. Wilson 1927, J. Am. Stat. Assoc. 22, 209. None of none."""
    if not n:
        return None
    p, z2 = s / n, Z * Z
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    low = 0.0 if s == 0 else max(0.0, middle - half)
    high = 1.0 if s == n else min(1.0, middle + half)
    return Estimate(p, low, high, n)


def characters_right(lines: Lines) -> Estimate | None:
    """1-CER: 1 - edits / length, over all lines together; None without a character.

    The ratio's linearised variance with whole lines as units, for characters of one line go wrong
    together. Where no line has an edit that would say 0; then a wrong line is one without a right
    character, and Wilson bounds their share.
    """
    if not lines.length:
        return None
    cer = lines.edits / lines.length
    spread = lines.edits2 - 2 * cer * lines.edits_length + cer * cer * lines.length2
    if not lines.edits or lines.lines < 2:
        found = wilson(lines.right, lines.lines)
        return found and Estimate(1 - cer, min(found.low, 1 - cer), 1.0, lines.lines)
    half = Z * math.sqrt(max(0.0, spread) * lines.lines / (lines.lines - 1)) / lines.length
    return Estimate(1 - cer, 1 - cer - half, min(1.0, 1 - cer + half), lines.lines)


def two_arms(stable: Lines, candidate: Lines) -> Estimate | None:
    """The candidate's share of right lines less stable's. Newcombe 1998, Stat. Med. 17, 873 (10)."""
    one, other = wilson(candidate.right, candidate.lines), wilson(stable.right, stable.lines)
    if one is None or other is None:
        return None
    d = one.value - other.value
    low = d - math.hypot(one.value - one.low, other.high - other.value)
    high = d + math.hypot(one.high - one.value, other.value - other.low)
    return Estimate(d, low, high, min(one.n, other.n))


def paired(disputes: Disputes, *, images: int, disputed: int) -> Estimate | None:
    """The same from disputes: of `images` that both arms read, `disputed` were read differently.

    Half a dispute is added to each side for the middle and the spread (Agresti and Min 2005, Stat.
    Med. 24, 729), and the share of disputes is an estimate, too.
    """
    n = disputes.pairs
    if not n or not images:
        return None
    b, c = disputes.candidate_only + 0.5, disputes.stable_only + 0.5
    m = n + 2
    delta, q = (b - c) / m, disputed / images
    spread = ((b + c) / m - delta * delta) / m
    half = Z * math.sqrt(q * q * spread + delta * delta * q * (1 - q) / images)
    middle = q * delta
    value = q * (disputes.candidate_only - disputes.stable_only) / n
    return Estimate(value, max(-q, middle - half), min(q, middle + half), n)
