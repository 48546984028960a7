"""What one batch teaches: the loss of the part of the schedule that the run has come to."""

from __future__ import annotations

import dataclasses

import torch

from ocr_export.convnext import ConvNeXt
from ocr_export.crnn import CRNN
from ocr_training import losses
from ocr_training.batches import Batch
from ocr_training.plan import Plan
from ocr_training.teacher import Soft, Teacher

Network = CRNN | ConvNeXt


@dataclasses.dataclass(frozen=True)
class Lesson:
    """loss: to go down. each: nats of each line (N,) where it is CTC. phase: its name."""

    loss: torch.Tensor
    each: torch.Tensor | None
    phase: str


def learn(
    network: Network,
    batch: Batch,
    lines: torch.Tensor,
    plan: Plan,
    share: float,
    generator: torch.Generator,
    *,
    teacher: Teacher | None = None,
) -> Lesson:
    """Frame by frame or after the teacher at first, then CTC, with what the teacher says if any.

    lines: (N, 1, 32, W) in [0, 1] on the network's device. share: of the schedule, 0..1.
    """
    frames, targets = batch.frames.to(lines.device), batch.targets.to(lines.device)
    negatives = 0 if share > 1 - plan.full_share else plan.negatives
    taught = teacher.steps(lines) if teacher else None
    steps = network.steps(lines)
    if share < plan.frame_share:
        if teacher and taught is not None:
            return Lesson(teacher.match_loss(steps, taught, frames), None, "match")
        loss = losses.frame_loss(
            steps,
            network.output,
            frames,
            blank_share=plan.blank_share,
            negatives=negatives,
            generator=generator,
        )
        return Lesson(loss, None, "frames")
    if teacher and taught is not None:
        how = Soft(plan.temperature, plan.likely, negatives, plan.blank_share, generator)
        each, soft = teacher.soft_losses(steps, taught, network.output, batch, how)
        loss = each.sum() / batch.lengths.sum() + plan.soft_weight * soft
    else:
        each = losses.ctc_losses(
            steps, network.output, targets, batch.lengths, negatives=negatives, generator=generator
        )
        loss = each.sum() / batch.lengths.sum()
    return Lesson(loss, each, "replay" if batch.tries else "ctc")
