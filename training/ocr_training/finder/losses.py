"""How far the maps are from what there is to find."""

from __future__ import annotations

import dataclasses

import torch
from torch.nn import functional

from .batches import Batch

TEXT, HEIGHT, COLUMN = 0.5, 0.5, 0.2  # weights beside that of the kernels


@dataclasses.dataclass(frozen=True)
class Loss:
    """total: to be made smaller. kernel, text, height, column: its parts, before their weights."""

    total: torch.Tensor
    kernel: torch.Tensor
    text: torch.Tensor
    height: torch.Tensor
    column: torch.Tensor


def loss_of(where: torch.Tensor, shape: torch.Tensor, batch: Batch) -> Loss:
    """As weights of pixels say. where (N, 2, S/2, S/2), shape (N, 2, S/4, S/4): FLOAT32 logits."""
    kernel = _mask_loss(where[:, 0], batch.kernel.float(), batch.weight)
    text = _mask_loss(where[:, 1], batch.text.float(), batch.weight)
    inside = batch.kernel[:, ::2, ::2].float()
    count = inside.sum().clamp(min=1)
    apart = functional.smooth_l1_loss(
        shape[:, 0], batch.height[:, ::2, ::2], reduction="none", beta=0.1
    )
    height = (apart * inside).sum() / count
    column = functional.binary_cross_entropy_with_logits(
        shape[:, 1], batch.column[:, ::2, ::2].float(), weight=inside, reduction="sum"
    )
    column = column / count
    total = kernel + TEXT * text + HEIGHT * height + COLUMN * column
    return Loss(total, kernel, text, height, column)


def _mask_loss(logits: torch.Tensor, truth: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of every pixel, with as much weight as their number on those that are set,
    and the Dice loss of each picture.
    """
    each = functional.binary_cross_entropy_with_logits(
        logits, truth, weight=weight, reduction="none"
    )
    of_set = (each * truth).sum() / (weight * truth).sum().clamp(min=1)
    of_clear = (each * (1 - truth)).sum() / (weight * (1 - truth)).sum().clamp(min=1)
    asked = (weight > 0).float()
    likely = torch.sigmoid(logits) * asked
    common = (likely * truth).sum(dim=(1, 2))
    dice = 1 - (2 * common + 20) / (likely.sum(dim=(1, 2)) + (truth * asked).sum(dim=(1, 2)) + 20)
    return of_set + 3 * of_clear + dice.mean()
