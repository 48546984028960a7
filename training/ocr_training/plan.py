"""What a training run is asked to do, and how far it has come."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from ocr_preprocessing.spec import LineSpec
from ocr_training.batches import COLUMNS

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is trained, how long, and how. Stored in the checkpoint.

    lines: how many made lines are seen in all; the schedule is laid over them. minutes: if
    not 0, the schedule is laid over this training time instead (then not deterministic).
    frame_share: of the schedule that is frame-wise. short_share: likewise with short lines.
    full_share: of the schedule, at its end, with the soft-max over all classes.
    columns: of pixels in a batch. replay_share: of the batches in CTC, of lines that were hard.
    temperature, likely, soft_weight: of distillation, see `teacher`; frame_share is then the share
    in which the teacher's steps are matched.
    characters: if given, texts are drawn from these alone (for a quick look).
    """

    arch: str
    sizes: dict[str, Any] = dataclasses.field(default_factory=dict)
    lines: int = 400_000
    minutes: float = 0.0
    seed: int = 1
    peak_rate: float = 1e-3
    last_rate: float = 1e-5
    warmup_steps: int = 300
    weight_decay: float = 0.02
    frame_share: float = 0.35
    short_lines: int = 60_000
    full_share: float = 0.08
    negatives: int = 1000
    blank_share: float = 0.15
    ema: float = 0.999
    columns: int = COLUMNS
    replay_share: float = 0.0
    temperature: float = 2.0
    likely: int = 4
    soft_weight: float = 1.0
    characters: str = ""
    spec: LineSpec = dataclasses.field(default_factory=LineSpec)


@dataclasses.dataclass
class Progress:
    """What has been done so far: steps, lines and seconds of training, pools of lines used.

    replayed: how many of the lines were not new.
    """

    step: int = 0
    lines: int = 0
    replayed: int = 0
    seconds: float = 0.0
    pool: int = 0

    @property
    def fresh(self) -> int:
        """Lines that were new."""
        return self.lines - self.replayed

    def share(self, plan: Plan) -> float:
        """Of the schedule, 0..1."""
        done = self.seconds / (60 * plan.minutes) if plan.minutes else self.lines / plan.lines
        return min(1.0, done)


def plain(plan: DataclassInstance) -> dict[str, Any]:
    """As plain values, which `torch.load(weights_only=True)` accepts; tuples become lists."""
    plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(plan)))
    return plain
