"""A text as it was read against the text as it should be: two normalisations and a distance."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

NORMALISATION: Final = "NFKC, spaces removed, case kept"
SECOND: Final = "also case-folded, punctuation dropped, traditional to simplified where known"
NO_TABLE: Final[Mapping[str, str]] = MappingProxyType({})
# The most characters of a band of lengths, and what it is called.
_BANDS: Final = ((5, "1 to 5 characters"), (15, "6 to 15 characters"), (30, "16 to 30 characters"))
BANDS: Final = (*(name for _, name in _BANDS), "more than 30 characters")


def plain(text: str) -> str:
    """NFKC without white space: what every accuracy here is measured on."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def lenient(text: str, table: Mapping[str, str] = NO_TABLE) -> str:
    """The second normalisation. table: traditional character -> simplified."""
    folded = plain(text).casefold()
    kept = (c for c in folded if not unicodedata.category(c).startswith("P"))
    return "".join(table.get(c, c) for c in kept)


def band(characters: int) -> str:
    """How a text of so many characters is long: one of BANDS."""
    return next((name for most, name in _BANDS if characters <= most), BANDS[-1])


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
