"""What each arm got wrong, line by line: the table that every figure is summed from."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np

from ocr_rollout.core.resampling import Floats
from ocr_rollout.core.reviews import Lines
from ocr_rollout.core.texts import edit_distance


@dataclasses.dataclass(frozen=True, eq=False)
class Marks:
    """Of n lines that every arm has read.

    length: (n,) characters of the truth. edits: (n, arms) insertions, deletions and
    substitutions. right: (n, arms) 1 where the line was read whole. distance: (n, arms) edits by
    the length of the longer text, 0..1.
    """

    length: Floats
    edits: Floats
    right: Floats
    distance: Floats

    @classmethod
    def of(cls, lines: Iterable[tuple[str, Sequence[str]]], arms: int) -> Marks:
        """Truth and each arm's reading, normalised."""
        length, edits, longest = [], [], []
        for truth, readings in lines:
            length.append(len(truth))
            edits.append([edit_distance(truth, reading) for reading in readings])
            longest.append([max(len(truth), len(reading), 1) for reading in readings])
        wrong = np.array(edits, np.float64).reshape(-1, arms)
        by = np.array(longest, np.float64).reshape(-1, arms)
        right = (wrong == 0).astype(np.float64)
        return cls(np.array(length, np.float64), wrong, right, wrong / by)

    def __len__(self) -> int:
        return len(self.length)

    def at(self, rows: Sequence[int]) -> Marks:
        """Some of the lines."""
        chosen = np.asarray(rows, np.intp)
        return Marks(*(getattr(self, field.name)[chosen] for field in dataclasses.fields(self)))

    def sums(self, arm: int) -> Lines:
        """An arm's counts, as reviews have them."""
        edits, length = self.edits[:, arm], self.length
        return Lines(
            len(self),
            int(self.right[:, arm].sum()),
            int(edits.sum()),
            int(length.sum()),
            int(edits @ edits),
            int(edits @ length),
            int(length @ length),
        )
