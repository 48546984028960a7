"""What the trainings share: the loop, the learning rate, averaged weights, log and checkpoints."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Generic, Protocol, TypeVar

import torch
from torch import nn

LOGGED: Final = 50  # steps between two rows of the log
CLIPPED: Final = 5.0  # norm of the gradient, at most

B = TypeVar("B")  # what is learned from at a step
L = TypeVar("L")  # what a step says of itself


class Schedule(Protocol):
    """Of a plan: the learning rate rises over warmup_steps, then falls to last_rate."""

    @property
    def peak_rate(self) -> float: ...
    @property
    def last_rate(self) -> float: ...
    @property
    def warmup_steps(self) -> int: ...


class Counted(Protocol):
    """What has been done so far. seconds: of training."""

    step: int
    seconds: float


@dataclasses.dataclass(frozen=True)
class Course(Generic[B, L]):
    """step: one update, which counts itself. said: what the log says of it. log: writes a row.

    share: of the schedule that is done, 0..1. evaluate: measures, and logs it.
    """

    progress: Counted
    share: Callable[[], float]
    step: Callable[[B], L]
    said: Callable[[L], Mapping[str, Any]]
    log: Callable[[Mapping[str, Any]], None]
    evaluate: Callable[[], None]
    save: Callable[[], None]

    def run(self, batches: Iterable[B], *, save_every_s: float, evaluate_every_s: float) -> None:
        """Until the schedule ends; what is learned after the last save is the caller's to keep."""
        saved = evaluated = time.monotonic()
        for batch in batches:
            started = time.monotonic()
            found = self.step(batch)
            self.progress.seconds += time.monotonic() - started
            if self.progress.step % LOGGED == 0:
                self.log(self.said(found))
            now = time.monotonic()
            if now - evaluated > evaluate_every_s:
                self.evaluate()
                evaluated = time.monotonic()
            if now - saved > save_every_s:
                self.save()
                saved = now
            if self.share() >= 1:
                break
        self.evaluate()


def has_bf16(device: torch.device) -> bool:
    """Without AVX-512 a CPU only imitates BF16: a step of `convnext` takes 8 s instead of 0.6 s."""
    return device.type != "cpu" or torch.backends.cpu.get_cpu_capability().startswith("AVX512")


def rate(plan: Schedule, step: int, share: float) -> float:
    """Linear warm-up over steps, then cosine over the schedule."""
    warm = min(1.0, (step + 1) / plan.warmup_steps)
    cosine = (1 + math.cos(math.pi * share)) / 2
    return warm * (plan.last_rate + (plan.peak_rate - plan.last_rate) * cosine)


def set_rate(optimiser: torch.optim.Optimizer, value: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = value


def update(optimiser: torch.optim.Optimizer, model: nn.Module, loss: torch.Tensor) -> None:
    """One step down the clipped gradient of the loss."""
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(model.parameters(), CLIPPED)
    optimiser.step()


@torch.no_grad()
def follow(average: nn.Module, model: nn.Module, *, step: int, most: float) -> None:
    """Moves the averaged weights towards the model's. most: of the decay, which grows with steps."""
    decay = min(most, (1 + step) / (10 + step))
    state = model.state_dict()
    for key, value in average.state_dict().items():
        if value.is_floating_point():
            value.lerp_(state[key], 1 - decay)
        else:
            value.copy_(state[key])


def begin_with(
    weights: Mapping[str, torch.Tensor], model: nn.Module, average: nn.Module, path: Path
) -> None:
    """Gives both the weights of another run. Raises ValueError where its sizes are others."""
    try:
        model.load_state_dict(weights)
    except RuntimeError:
        raise ValueError(f"{path}: its sizes are not the plan's") from None
    average.load_state_dict(weights)


def in_half(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """In FP16, as checkpoints for export hold them; whole numbers stay."""
    return {
        key: value.half() if value.is_floating_point() else value for key, value in weights.items()
    }


def write_row(path: Path, row: Mapping[str, Any]) -> None:
    """To the log, a JSON object a line, and to the terminal."""
    text = json.dumps(row, ensure_ascii=False)
    with path.open("a", encoding="utf-8") as log:
        print(text, file=log)
    print(text, flush=True)


def write_whole(state: Mapping[str, Any], path: Path) -> None:
    """Atomically: a run killed while it saves keeps its last checkpoint."""
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.replace(path)


def refuse_other(path: Path, keys: Iterable[str], mine: Mapping[str, Any], theirs: Any) -> None:
    """Raises ValueError where the plan of a checkpoint is another one."""
    for key in keys:
        if mine[key] != theirs[key]:
            raise ValueError(f"{path}: was trained with {key} {theirs[key]}, not {mine[key]}")
