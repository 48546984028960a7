"""Two texts of one image, compared."""

from __future__ import annotations

import unicodedata

from ocr_rollout.core.counts import Pairs
from ocr_rollout.core.outcomes import ERRORS, NEVER, QUALITY_FAULTS, Outcome

# Characters of a text that are compared. The time grows with the square of it: some 4 ms.
LONGEST = 4_000
_BAD = ERRORS | QUALITY_FAULTS


def compared(
    stable: Outcome | None, stable_text: str, candidate: Outcome | None, candidate_text: str
) -> Pairs | None:
    """One pair as the judge counts it. None where one of them was not tried, or not in earnest.

    The texts count only where both answers are fine.
    """
    if stable is None or candidate is None or stable in NEVER or candidate in NEVER:
        return None
    if stable in _BAD or candidate in _BAD:
        return Pairs(
            candidate_only=int(stable not in _BAD),
            stable_only=int(candidate not in _BAD),
            both_bad=int(stable in _BAD and candidate in _BAD),
        )
    one, other = plain(stable_text), plain(candidate_text)
    return Pairs(
        both_fine=1,
        equal=int(one == other),
        distance_milli=round(1_000 * normalised_distance(one[:LONGEST], other[:LONGEST])),
    )


def plain(text: str) -> str:
    """NFKC without white space: what accuracy is measured on as well (`ocrctl train evaluate`)."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def normalised_distance(one: str, other: str) -> float:
    """Levenshtein's distance by the length of the longer text: 0 equal .. 1 nothing in common."""
    longest = max(len(one), len(other))
    return edit_distance(one, other) / longest if longest else 0.0


def edit_distance(one: str, other: str) -> int:
    """The fewest insertions, deletions and substitutions of code points between two texts.

    A column of the dynamic program is two integers, of vertical differences +1 and -1, and each
    character of `other` makes the next column by a few operations on them: Myers, "A fast
    bit-vector algorithm for approximate string matching", J. ACM 46(3), 1999, in the form of
    Hyyrö, "A bit-vector algorithm for computing Levenshtein and Damerau edit distances", 2003.
    """
    if one == other:
        return 0
    if not one or not other:
        return len(one) + len(other)
    where: dict[str, int] = {}
    for k, character in enumerate(one):
        where[character] = where.get(character, 0) | 1 << k
    everything, last = (1 << len(one)) - 1, 1 << (len(one) - 1)
    up, down, distance = everything, 0, len(one)  # +1 and -1 downwards; the last row's value
    for character in other:
        match = where.get(character, 0)
        diagonal = (((match & up) + up) ^ up) | match | down  # 0 from the upper left
        right_up = down | ~(diagonal | up) & everything
        right_down = diagonal & up
        distance += bool(right_up & last) - bool(right_down & last)
        right_up = right_up << 1 & everything | 1
        right_down = right_down << 1 & everything
        up = right_down | ~(diagonal | right_up) & everything
        down = right_up & diagonal
    return distance
