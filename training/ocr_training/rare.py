"""How often a Chinese character is drawn by itself, so that training shows all of them."""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

Shares = npt.NDArray[np.float64]

# What hardly a face has would be most of what is drawn; it counts as kept this often at least.
_LEAST_KEPT = 0.2


def in_words(
    words: Sequence[str], weights: Sequence[float], traditional: Mapping[int, str], share: float
) -> dict[str, float]:
    """Character -> how often a word drawn by weight holds it, on average.

    traditional: for str.translate; a word is written so with probability `share`.
    """
    counts: dict[str, float] = collections.defaultdict(float)
    for word, weight in zip(words, weights, strict=True):
        for character in word:
            counts[character] += weight
    total = sum(weights)
    seen = {character: count / total for character, count in counts.items()}
    for character, often in list(seen.items()):
        written = traditional.get(ord(character), character)
        if written != character:
            seen[written] = seen.get(written, 0.0) + share * often
            seen[character] -= share * often
    return seen


def levelled(seen: Shares, kept: Shares, alone: float) -> Shares:
    """(characters,) how draws of one character go to each; they sum to 1.

    seen: how often a drawn word holds it. kept: of the times that it is drawn, how many reach the
    line; the others met a face without it. alone: of all draws, how many are of one character.

    What reaches the line, kept * ((1 - alone) * seen + alone * share), is the same for all but
    those that words alone bring more often, which get nothing: as water fills an uneven vessel.
    """
    kept = np.maximum(kept, _LEAST_KEPT)

    def poured(level: float) -> Shares:
        return np.maximum(level / kept - (1 - alone) * seen, 0.0) / alone

    low, high = 0.0, 1.0
    while poured(high).sum() < 1:
        high *= 2
    for _ in range(100):
        level = (low + high) / 2
        low, high = (low, level) if poured(level).sum() > 1 else (level, high)
    shares = poured(high)
    return np.asarray(shares / shares.sum(), np.float64)
