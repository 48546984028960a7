"""Greedy CTC decoding of logits, for training's own measurements."""

from __future__ import annotations

import torch

from ocr_export import alphabet


def greedy(logits: torch.Tensor) -> list[str]:
    """Logits (N, T, classes) to texts: best class per step, repeats merged, blanks dropped."""
    characters = alphabet.characters()
    texts = []
    for row in logits.argmax(dim=2).tolist():
        previous = alphabet.BLANK
        text = []
        for code in row:
            if code not in (previous, alphabet.BLANK):
                text.append(characters[code - 1])
            previous = code
        texts.append("".join(text))
    return texts
