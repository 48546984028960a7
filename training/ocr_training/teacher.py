"""Distillation: a small network learns what a trained one says at every step of the same lines.

The student takes over the teacher's output layer, narrowed, so that it need not learn 8,000
classes again: first its steps are matched to the teacher's, which costs no soft-max (Ba and Caruana
2014, "Do Deep Nets Really Need to be Deep?": logits, not labels), then to its softened answers
(Hinton, Vinyals, Dean 2015, "Distilling the Knowledge in a Neural Network"), beside CTC.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, cast

import torch
from torch import nn
from torch.nn import functional

from ocr_export.checkpoint import load_checkpoint
from ocr_export.crnn import CRNN
from ocr_export.crnn_small import CRNNSmall
from ocr_training.batches import Batch
from ocr_training.losses import ctc, sampled_rows

BLANK_WEIGHT: Final = 0.1  # of a step where the teacher says blank, which five of six steps are
FITTED_ON: Final = 40  # batches; 40,000 steps for 320 directions


@dataclasses.dataclass(frozen=True)
class Narrowed:
    """The teacher's output layer by fewer directions: logits ~ rows @ (steps @ projection).

    rows: (classes, narrow). projection: (teacher's D, narrow), to directions of unit variance.
    weights: (narrow,), how much each of them matters, 1 on average.
    """

    rows: torch.Tensor
    projection: torch.Tensor
    weights: torch.Tensor


@dataclasses.dataclass(frozen=True)
class Soft:
    """likely: classes of the teacher's that are compared at each step, beside those of the texts
    and `negatives` of the others. blank_share: of the blank steps that are compared.
    """

    temperature: float
    likely: int
    negatives: int
    blank_share: float
    generator: torch.Generator


class Teacher:
    """A trained `crnn` that is asked and never changed."""

    def __init__(self, path: Path, device: torch.device) -> None:
        """Raises ValueError when the checkpoint is no `crnn`."""
        recogniser = load_checkpoint(path)
        if recogniser.arch != "crnn":
            raise ValueError(f"{path}: a teacher is a crnn, this is a {recogniser.arch}")
        network = cast("CRNN", recogniser.network).requires_grad_(requires_grad=False)
        self.network: CRNN = network.to(device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.output = self.network.output
        self.narrowed: Narrowed | None = None
        self.sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        training = dict(recogniser.training)
        self.facts = {"arch": recogniser.arch, "sha256": self.sha256, "training": training}

    @torch.no_grad()
    def steps(self, lines: torch.Tensor) -> torch.Tensor:
        """Lines (N, 1, 32, W) in [0, 1] to features (N, T, D)."""
        return self.network.steps(lines)

    @torch.no_grad()
    def likely(self, taught: torch.Tensor, count: int) -> torch.Tensor:
        """The `count` likeliest classes of each step (F, D), all together."""
        likely: torch.Tensor = self.output(taught).topk(count, dim=1).indices.flatten()
        return likely

    @torch.no_grad()
    def prepare(self, student: CRNNSmall, lines: Iterable[torch.Tensor]) -> None:
        """Gives the student this output layer, narrowed to what matters on these lines."""
        taught, blank = [], []
        for batch in lines:  # the logits of all of them would be a gigabyte
            taught.append(self.steps(batch).flatten(0, 1).float())
            blank.append(self.output(taught[-1]).argmax(dim=1) == 0)
        self.narrowed = narrow(
            self.output.weight,
            torch.cat(taught),
            torch.where(torch.cat(blank), BLANK_WEIGHT, 1.0),
            student.output.in_features,
        )
        student.output.weight.copy_(self.narrowed.rows)
        student.output.bias.copy_(self.output.bias)

    def match_loss(
        self, steps: torch.Tensor, taught: torch.Tensor, frames: torch.Tensor
    ) -> torch.Tensor:
        """Mean square of what the student's steps (N, T, narrow) lack; 1 for one that says nothing.

        taught: (N, T, D) of the teacher. frames: (N, T), 0 for blank. Raises ValueError when the
        student did not get the teacher's output layer.
        """
        if not self.narrowed:
            raise ValueError(
                "a run that starts from weights has an output layer of its own: nothing can be"
                " matched; give --frame-share 0"
            )
        wanted = taught.float() @ self.narrowed.projection
        squares = (steps.float() - wanted).square() @ self.narrowed.weights
        of_step = torch.where(frames == 0, BLANK_WEIGHT, 1.0)
        return (squares * of_step).sum() / (of_step.sum() * len(self.narrowed.weights))

    def soft_losses(
        self, steps: torch.Tensor, taught: torch.Tensor, output: nn.Linear, batch: Batch, how: Soft
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """CTC of each line (N,) in nats, and `soft_loss` of steps that are likely no blank.

        steps: (N, T, narrow) and output: of the student. taught: (N, T, D) of the teacher.
        """
        frames, targets = batch.frames.to(steps.device), batch.targets.to(steps.device)
        drawn = torch.rand(frames.shape, generator=how.generator).to(steps.device)
        use = (frames != 0) | (drawn < how.blank_share)
        wanted = torch.cat([targets, self.likely(taught[use], how.likely)])
        rows, shift, places = sampled_rows(
            output.out_features, wanted, how.negatives, how.generator
        )
        mine = functional.linear(steps, output.weight[rows], output.bias[rows])
        theirs = functional.linear(taught[use], self.output.weight[rows], self.output.bias[rows])
        each = ctc(mine + shift, places[: len(targets)], batch.lengths)
        return each, soft_loss(mine[use], theirs, shift, how.temperature)

    def state(self) -> dict[str, Any]:
        return {"sha256": self.sha256, **(vars(self.narrowed) if self.narrowed else {})}

    def load(self, state: dict[str, Any]) -> None:
        """Goes on from `state()`. Raises ValueError when it was another teacher's."""
        state = dict(state)
        if state.pop("sha256") != self.sha256:
            raise ValueError("the run had another teacher; give it the same --teacher again")
        self.narrowed = Narrowed(**state) if state else None


def narrow(
    output: torch.Tensor, taught: torch.Tensor, weights: torch.Tensor, count: int
) -> Narrowed:
    """The best `count` directions for the logits of steps like these, in the mean square.

    output: (classes, D). taught: (F, D). weights: (F,) of the steps. What all logits have in
    common is left out first: the soft-max does not see it.
    """
    centred = output - output.mean(dim=0)
    moment = (taught * weights[:, None]).T @ taught / weights.sum()
    values, vectors = torch.linalg.eigh(moment)
    values = values.clamp_min(1e-6 * values.max())
    root = vectors @ torch.diag(values.sqrt()) @ vectors.T
    inverse = vectors @ torch.diag(values.rsqrt()) @ vectors.T
    left, strengths, right = torch.linalg.svd(centred @ root, full_matrices=False)
    kept = strengths[:count]
    return Narrowed(left[:, :count] * kept, inverse @ right[:count].T, kept / kept.mean())


def soft_loss(
    mine: torch.Tensor, theirs: torch.Tensor, shift: torch.Tensor, temperature: float
) -> torch.Tensor:
    """Kullback-Leibler divergence of softened answers, mean per step, times temperature squared.

    mine, theirs: logits (F, K) of the student and the teacher. shift: (K,), see `sampled_rows`.
    """
    log_mine = functional.log_softmax(mine.float() / temperature + shift, dim=1)
    log_theirs = functional.log_softmax(theirs.float() / temperature + shift, dim=1)
    divergence = functional.kl_div(log_mine, log_theirs, reduction="batchmean", log_target=True)
    return divergence * temperature**2
