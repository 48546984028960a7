"""A recogniser wrapped so that its graph needs nothing beside it: pixels in, Unicode out."""

from __future__ import annotations

import math

import torch
from torch import nn

from .checkpoint import Recogniser

INPUT = "image"
OUTPUTS = ("codepoints", "confidence")


class LineReader(nn.Module):
    """UINT8 lines to the best code point of every step, and how sure the model is of it."""

    codepoint_of_class: torch.Tensor

    def __init__(self, recogniser: Recogniser) -> None:
        super().__init__()
        self.network = recogniser.network
        table = torch.tensor(recogniser.codepoints, dtype=torch.int32)
        self.register_buffer("codepoint_of_class", table)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Takes image (N, 1, 32, W) UINT8; gives codepoints (N, T) INT32, confidence (N, T) FP32.

        T = W / 4. Code point 0 is the CTC blank; confidence is the best class's soft-max.
        """
        logits = self.network(image.float() / 255.0)  # (N, T, classes)
        confidence, best = best_of(torch.softmax(logits, dim=-1))
        return self.codepoint_of_class[best], confidence


def best_of(shares: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The largest of each step, and which class it is; of equals, the first.

    shares: (N, T, classes) FP32; gives (N, T) FP32 and (N, T) INT64. Like `shares.max(dim=-1)`, in two
    steps: the best group of classes, then the best within it. ONNX Runtime's ArgMax takes seven
    times as long as its ReduceMax, and over 8,086 classes a millisecond of a line's nine.
    """
    groups = groups_of(shares.shape[-1])
    size = shares.shape[-1] // groups
    parts = shares.reshape(*shares.shape[:-1], groups, size)
    best, group = parts.amax(dim=-1).max(dim=-1)
    within = parts.gather(2, group[..., None, None].expand(-1, -1, 1, size)).squeeze(2)
    return best, group * size + within.argmax(dim=-1)


def groups_of(classes: int) -> int:
    """A divisor of the number of classes, the one nearest its square root from below; 1 of a prime."""
    return next(n for n in range(math.isqrt(classes), 0, -1) if classes % n == 0)
