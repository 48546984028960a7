"""A recogniser wrapped so that its graph needs nothing beside it: pixels in, Unicode out."""

from __future__ import annotations

import torch
from torch import nn

from . import alphabet

INPUT = "image"
OUTPUTS = ("codepoints", "confidence")


class LineReader(nn.Module):
    """UINT8 lines to the best code point of every step, and how sure the model is of it."""

    codepoint_of_class: torch.Tensor

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        table = [alphabet.BLANK, *map(ord, alphabet.characters())]
        self.register_buffer("codepoint_of_class", torch.tensor(table, dtype=torch.int32))

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Takes image (N, 1, 32, W) UINT8; gives codepoints (N, T) INT32, confidence (N, T) FP32.

        T = W / 4. Code point 0 is the CTC blank; confidence is the best class's soft-max.
        """
        logits = self.network(image.float() / 255.0)  # (N, T, classes)
        confidence, best = torch.softmax(logits, dim=-1).max(dim=-1)
        return self.codepoint_of_class[best], confidence
