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


def ctc_losses(
    steps: torch.Tensor,
    output: torch.nn.Linear,
    targets: torch.Tensor,
    lengths: torch.Tensor,
    *,
    negatives: int,
    generator: torch.Generator,
) -> torch.Tensor:
    """CTC in FP32, nats of each line (N,). steps: (N, T, D). targets: texts end to end."""
    weight, bias, places = sampled_output(output, targets, negatives, generator)
    return ctc(functional.linear(steps, weight, bias), places, lengths)


def ctc(logits: torch.Tensor, targets: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Nats of each line (N,). logits: (N, T, K), the blank first. targets: places among the K."""
    scores = functional.log_softmax(logits.float(), dim=2).transpose(0, 1)  # (T, N, K)
    steps_of = torch.full((logits.shape[0],), logits.shape[1], dtype=torch.long)
    return functional.ctc_loss(
        scores, targets, steps_of, lengths, blank=0, reduction="none", zero_infinity=True
    )


def sampled_output(
    output: torch.nn.Linear, wanted: torch.Tensor, negatives: int, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Weight (K, D), bias (K,) of the output layer's `sampled_rows`, and the places of `wanted`."""
    rows, shift, places = sampled_rows(output.weight.shape[0], wanted, negatives, generator)
    return output.weight[rows], output.bias[rows] + shift, places


def sampled_rows(
    classes: int, wanted: torch.Tensor, negatives: int, generator: torch.Generator
) -> tuple[torch.Tensor | slice, torch.Tensor, torch.Tensor]:
    """The blank, the wanted classes and a sample of the others, in this order.

    Returns the classes (K,), by how much their logits grow (K,), and the places of `wanted` among
    them. The sampled ones grow by log(others / sampled), so that the partition sum stays that of
    all classes in expectation (importance sampling; Bengio and Senecal 2008). negatives <= 0 or
    no fewer than the others: all classes, exactly.
    """
    present = torch.zeros(classes, dtype=torch.bool, device=wanted.device)
    present[0] = True
    present[wanted] = True
    others = torch.nonzero(~present).squeeze(1)
    if negatives <= 0 or negatives >= len(others):
        return slice(None), torch.zeros(classes, device=wanted.device), wanted
    order = torch.randperm(len(others), generator=generator)[:negatives].to(wanted.device)
    kept = torch.nonzero(present).squeeze(1)  # the blank is first
    rows = torch.cat([kept, others[order]])
    place = torch.empty(classes, dtype=torch.long, device=wanted.device)
    place[rows] = torch.arange(len(rows), device=wanted.device)
    shift = torch.zeros(len(rows), device=wanted.device)
    shift[len(kept) :] = math.log(len(others) / negatives)
    return rows, shift, place[wanted]
