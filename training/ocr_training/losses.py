"""Losses over a part of the classes: the soft-max over all 8,000 would cost half of a step."""

from __future__ import annotations

import math

import torch
from torch.nn import functional


def frame_loss(
    steps: torch.Tensor,
    output: torch.nn.Linear,
    frames: torch.Tensor,
    *,
    blank_share: float,
    negatives: int,
    generator: torch.Generator,
) -> torch.Tensor:
    """Cross-entropy of known steps; of the blank ones only a share, for they are the most.

    steps: (N, T, D). frames: (N, T), class or -1 for unknown. Returns the mean per step.
    """
    drawn = torch.rand(frames.shape, generator=generator).to(frames.device) < blank_share
    use = (frames > 0) | ((frames == 0) & drawn)
    weight, bias, places = sampled_output(output, frames[use], negatives, generator)
    logits = functional.linear(steps[use], weight, bias)
    return functional.cross_entropy(logits.float(), places)


def ctc_loss(
    steps: torch.Tensor,
    output: torch.nn.Linear,
    targets: torch.Tensor,
    lengths: torch.Tensor,
    *,
    negatives: int,
    generator: torch.Generator,
) -> torch.Tensor:
    """CTC in FP32, mean per character. steps: (N, T, D). targets: texts end to end."""
    weight, bias, places = sampled_output(output, targets, negatives, generator)
    logits = functional.linear(steps, weight, bias).float()
    scores = functional.log_softmax(logits, dim=2).transpose(0, 1)  # (T, N, classes)
    steps_of = torch.full((steps.shape[0],), steps.shape[1], dtype=torch.long)
    loss = functional.ctc_loss(
        scores, places, steps_of, lengths, blank=0, reduction="sum", zero_infinity=True
    )
    return loss / lengths.sum().clamp(min=1)


def sampled_output(
    output: torch.nn.Linear, wanted: torch.Tensor, negatives: int, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Rows of the output layer for the blank, the wanted classes and a sample of the others.

    Returns weight (K, D), bias (K,) and the places of `wanted` among the rows. The sampled
    rows' biases grow by log(others / sampled), so that the partition sum stays that of all
    classes in expectation (importance sampling; Bengio and Senecal 2008). negatives <= 0 or
    no fewer than the others: all classes, exactly.
    """
    classes = output.weight.shape[0]
    present = torch.zeros(classes, dtype=torch.bool, device=wanted.device)
    present[0] = True
    present[wanted] = True
    others = torch.nonzero(~present).squeeze(1)
    if negatives <= 0 or negatives >= len(others):
        return output.weight, output.bias, wanted
    order = torch.randperm(len(others), generator=generator)[:negatives].to(wanted.device)
    kept = torch.nonzero(present).squeeze(1)  # the blank is first
    rows = torch.cat([kept, others[order]])
    place = torch.empty(classes, dtype=torch.long, device=wanted.device)
    place[rows] = torch.arange(len(rows), device=wanted.device)
    bias = output.bias[rows].clone()
    bias[len(kept) :] += math.log(len(others) / negatives)
    return output.weight[rows], bias, place[wanted]
