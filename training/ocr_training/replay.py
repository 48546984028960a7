"""Hard-sample replay: lines that were read badly come back, those beyond reading do not."""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from ocr_training.batches import Batch

LEARNT = 0.4  # nats per character; below it a line has nothing more to teach
HOPELESS = 4.0  # above it hardly a character is read: noise, not a lesson
TRIES = 3  # times a line comes back before it is given up
CAPACITY = 768  # lines kept, about 10 kB each; the easiest of them make room


@dataclasses.dataclass(frozen=True)
class Kept:
    """One line as it stood in its batch, padded. loss: nats per character when last read."""

    loss: float
    tries: int
    line: torch.Tensor
    target: torch.Tensor
    frames: torch.Tensor
    text: str
    kind: str


class Replay:
    """Keeps the hardest lines, by the width of their batches; a function of seed and of what it saw.

    share: of all batches that are replayed, 0..1 without 1. columns: of pixels in a batch.
    """

    def __init__(self, share: float, *, seed: int, columns: int, capacity: int = CAPACITY) -> None:
        """Raises ValueError when `share` is no share."""
        if not 0 <= share < 1:
            raise ValueError(f"replay share {share}: must be at least 0 and below 1")
        self.share = share
        self._seed, self._columns, self._capacity = seed, columns, capacity
        self._kept: dict[int, list[Kept]] = {}  # by width, the easiest first
        self._draws = 0

    def __len__(self) -> int:
        return sum(map(len, self._kept.values()))

    def note(self, batch: Batch, losses: torch.Tensor) -> None:
        """Keeps what is worth another look. losses: (N,) of the lines' nats per character."""
        if not self.share:
            return
        targets = torch.split(batch.targets, batch.lengths.tolist())
        width = batch.lines.shape[3]
        for i, loss in enumerate(losses.tolist()):
            tries = batch.tries[i] if batch.tries else 0
            if LEARNT < loss < HOPELESS and tries < TRIES:
                kept = Kept(
                    loss,
                    tries,
                    batch.lines[i].clone(),
                    targets[i].clone(),
                    batch.frames[i].clone(),
                    batch.texts[i],
                    batch.kinds[i],
                )
                bisect.insort(self._kept.setdefault(width, []), kept, key=_loss)
        for _ in range(len(self) - self._capacity):
            self._drop_easiest()

    def between(self, fresh: Iterator[Batch]) -> Iterator[Batch]:
        """The fresh batches, and between them replayed ones, `share` of all where there are enough."""
        for batch in fresh:
            yield batch
            while self.share and (again := self._draw()):
                yield again

    def state(self) -> dict[str, Any]:
        """Plain values and tensors, which `torch.load(weights_only=True)` accepts."""
        kept = [dict(vars(one)) for of_width in self._kept.values() for one in of_width]
        return {"draws": self._draws, "kept": kept}

    def load(self, state: dict[str, Any]) -> None:
        """Goes on from `state()`."""
        self._draws = state["draws"]
        self._kept = {}
        for values in state["kept"]:
            kept = Kept(**values)
            bisect.insort(self._kept.setdefault(kept.line.shape[2], []), kept, key=_loss)

    def _draw(self) -> Batch | None:
        """The hardest lines of a width that has a full batch of them, or None."""
        rng = np.random.default_rng((self._seed, self._draws))
        self._draws += 1
        if rng.random() >= self.share:
            return None
        full = [
            width for width in sorted(self._kept) if len(self._kept[width]) >= self._size(width)
        ]
        if not full:
            return None
        counts = np.array([len(self._kept[width]) for width in full], float)
        width = full[int(rng.choice(len(full), p=counts / counts.sum()))]
        of_width = self._kept[width]
        chosen = [of_width.pop() for _ in range(self._size(width))]
        return Batch(
            torch.stack([kept.line for kept in chosen]),
            torch.cat([kept.target for kept in chosen]),
            torch.tensor([len(kept.text) for kept in chosen]),
            torch.stack([kept.frames for kept in chosen]),
            [kept.text for kept in chosen],
            [kept.kind for kept in chosen],
            [kept.tries + 1 for kept in chosen],
        )

    def _size(self, width: int) -> int:
        return max(1, self._columns // width)

    def _drop_easiest(self) -> None:
        width = min((w for w in self._kept if self._kept[w]), key=lambda w: self._kept[w][0].loss)
        del self._kept[width][0]


def _loss(kept: Kept) -> float:
    return kept.loss
