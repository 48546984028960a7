"""Trains the line finder on made pages. Stops and resumes anywhere."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader

from ocr_export.finder_export import load_finder
from ocr_export.line_finder import LineFinder, LineFinderConfig
from ocr_training import course
from ocr_training.plan import plain

from .batches import Batch, CropBatches
from .losses import Loss, loss_of


@dataclasses.dataclass(frozen=True)
class FinderPlan:
    """What is trained, how long, and how. Stored in the checkpoint.

    crops: how many are seen in all; the schedule is laid over them. minutes: if not 0, the
    schedule is laid over this training time instead (then not deterministic). size: pixels of a
    crop's side, a multiple of 32. count: crops of a batch. held_out: batches that are never learned
    from and measured now and then.
    """

    crops: int = 60_000
    minutes: float = 0.0
    seed: int = 1
    size: int = 640
    count: int = 4
    held_out: int = 12
    peak_rate: float = 1.5e-3
    last_rate: float = 1e-5
    warmup_steps: int = 200
    weight_decay: float = 0.01
    ema: float = 0.999
    network: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class FinderProgress:
    """What has been done so far. seconds: of training."""

    step: int = 0
    crops: int = 0
    seconds: float = 0.0

    def share(self, plan: FinderPlan) -> float:
        """Of the schedule, 0..1."""
        done = self.seconds / (60 * plan.minutes) if plan.minutes else self.crops / plan.crops
        return min(1.0, done)


class FinderTrainer:
    """Owns model, averaged model, optimiser and progress; `run` trains to the plan's end."""

    def __init__(self, plan: FinderPlan, fonts: Path, out: Path, start: Path | None = None) -> None:
        """Resumes from `out`/last.pt when it is there, else starts from the weights of `start`.

        Raises ValueError when what is there does not fit the plan.
        """
        torch.manual_seed(plan.seed)
        torch.set_flush_denormal(True)
        self.plan, self.fonts, self.out = plan, fonts, out
        self.in_bf16 = course.has_bf16(torch.device("cpu"))
        self.model = LineFinder(LineFinderConfig.parse(plan.network))
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.model).eval().requires_grad_(requires_grad=False)
        self.optimiser = torch.optim.AdamW(
            self.model.parameters(), lr=plan.peak_rate, weight_decay=plan.weight_decay, fused=True
        )
        self.progress = FinderProgress()
        self.before: dict[str, Any] = {}  # training facts of the checkpoint it started from
        out.mkdir(parents=True, exist_ok=True)
        if (out / "last.pt").exists():
            self._resume(out / "last.pt")
        elif start:
            self._start(start)

    def run(
        self, *, save_every_s: float = 180, evaluate_every_s: float = 600, workers: int = 1
    ) -> None:
        """Trains until the schedule ends; logs to `out`/log.jsonl. Saves when interrupted."""
        held_out = CropBatches(
            self.fonts, seed=0, size=self.plan.size, count=self.plan.count, held_out=True
        )
        known = [batch for batch, _ in zip(held_out, range(self.plan.held_out), strict=False)]
        try:
            self._train(known, save_every_s, evaluate_every_s, workers)
        finally:
            self.save()

    def train_step(self, batch: Batch) -> Loss:
        """One update."""
        share = self.progress.share(self.plan)
        course.set_rate(self.optimiser, course.rate(self.plan, self.progress.step, share))
        self.model.train()
        loss = self._loss(self.model, batch)
        course.update(self.optimiser, self.model, loss.total)
        self.progress.step += 1
        self.progress.crops += len(batch.images)
        course.follow(self.average, self.model, step=self.progress.step, most=self.plan.ema)
        return loss

    def save(self) -> None:
        """Writes last.pt (to resume) and ema.pt (the averaged weights, to export)."""
        state = {
            "plan": plain(self.plan),
            "progress": dataclasses.asdict(self.progress),
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "before": self.before,
        }
        course.write_whole(state, self.out / "last.pt")
        course.write_whole(self.export_state(), self.out / "ema.pt")

    def export_state(self) -> dict[str, Any]:
        """The checkpoint that ocr_export reads: averaged weights in FP16 and facts."""
        return {
            "arch": "line_finder",
            "config": dataclasses.asdict(self.model.config),
            "model": course.in_half(self.average.state_dict()),
            "training": {
                "data": "made pages only (ocr_training.finder)",
                "crops": self.progress.crops,
                "steps": self.progress.step,
                "hours": round(self.progress.seconds / 3600, 2),
                "seed": self.plan.seed,
                "plan": plain(self.plan),
                **({"before": self.before} if self.before else {}),
            },
        }

    def _train(
        self, known: list[Batch], save_every_s: float, evaluate_every_s: float, workers: int
    ) -> None:
        dataset = CropBatches(
            self.fonts, seed=self.plan.seed, size=self.plan.size, count=self.plan.count,
            first=self.progress.crops,
        )  # fmt: skip
        loader = DataLoader(
            dataset, batch_size=None, num_workers=workers, prefetch_factor=12 if workers else None
        )
        course.Course(
            progress=self.progress,
            share=lambda: self.progress.share(self.plan),
            step=self.train_step,
            said=_rounded,
            log=self._log,
            evaluate=lambda: self._evaluate(known),
            save=self.save,
        ).run(loader, save_every_s=save_every_s, evaluate_every_s=evaluate_every_s)

    def _loss(self, model: LineFinder, batch: Batch) -> Loss:
        images = batch.images.float().div_(255).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.in_bf16):
            where, shape = model(images)
        return loss_of(where.float(), shape.float(), batch)

    @torch.no_grad()
    def _evaluate(self, known: list[Batch]) -> None:
        losses = [_rounded(self._loss(self.average, batch)) for batch in known]
        mean = {key: round(sum(one[key] for one in losses) / len(losses), 4) for key in losses[0]}
        self._log({"held_out": mean})

    def _log(self, facts: Mapping[str, Any]) -> None:
        progress = self.progress
        row = {
            "step": progress.step,
            "crops": progress.crops,
            "minutes": round(progress.seconds / 60, 1),
            "share": round(progress.share(self.plan), 4),
            **facts,
        }
        course.write_row(self.out / "log.jsonl", row)

    def _start(self, path: Path) -> None:
        finder = load_finder(path)
        course.begin_with(finder.network.state_dict(), self.model, self.average, path)
        self.before = dict(finder.training)

    def _resume(self, path: Path) -> None:
        state = torch.load(path, map_location="cpu", weights_only=True)
        course.refuse_other(path, ("network", "seed", "size"), plain(self.plan), state["plan"])
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.progress = FinderProgress(**state["progress"])
        self.before = state.get("before", {})


def _rounded(loss: Loss) -> dict[str, float]:
    return {name: round(float(value.detach()), 4) for name, value in vars(loss).items()}
