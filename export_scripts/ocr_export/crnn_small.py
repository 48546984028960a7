"""CRNN at a third of the cost: fewer channels and cells, and a narrow last layer before the classes.

Over 8,000 classes, the output layer is most of what a small network computes. So its input is
narrowed first: of 320 directions that `crnn` has there, 96 carry nearly all that it can tell apart
(docs/decisions/training.md).
"""

from __future__ import annotations

import dataclasses

import torch
from torch import nn

from .crnn import CRNN, CRNNConfig


@dataclasses.dataclass(frozen=True)
class CRNNSmallConfig(CRNNConfig):
    """narrow: directions that reach the output layer, instead of 2 * hidden."""

    channels: tuple[int, int, int, int] = (16, 32, 64, 128)
    hidden: int = 64
    narrow: int = 96


class CRNNSmall(CRNN):
    def __init__(self, config: CRNNSmallConfig) -> None:
        super().__init__(config)
        self.narrow = nn.Linear(2 * config.hidden, config.narrow)
        self.output = nn.Linear(config.narrow, config.classes)

    def steps(self, lines: torch.Tensor) -> torch.Tensor:
        """Lines (N, 1, 32, W) in [0, 1] to features (N, W/4, narrow)."""
        steps: torch.Tensor = self.narrow(super().steps(lines))
        return steps
