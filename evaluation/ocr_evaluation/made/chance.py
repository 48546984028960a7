"""What chance says of one image."""

from __future__ import annotations

import zlib

import numpy as np

from .kinds import KINDS, SHARES, Kind


class Draw:
    """What chance says of one image: a function of (kind, seed, index).

    Every choice has a stream of its own, by name, so that a word more or less changes nothing else.
    done: words of what is done to it, as far as it was asked for.
    """

    def __init__(self, kind: Kind, seed: int, index: int) -> None:
        self.kind = kind
        self.done: list[str] = []
        self._key = (seed, KINDS.index(kind), index)

    def stream(self, name: str) -> np.random.Generator:
        """The same at each call."""
        return np.random.default_rng((*self._key, zlib.crc32(name.encode())))

    def happens(self, word: str) -> np.random.Generator | None:
        """The word's stream where that is done to this image, which is noted; else None."""
        rng = self.stream(word)
        if rng.random() >= SHARES[self.kind].get(word, 0.0):
            return None
        self.done.append(word)
        return rng
