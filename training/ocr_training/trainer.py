"""Trains one recogniser on made lines: frame-wise first, then CTC. Stops and resumes anywhere."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO, cast

import torch
from torch.utils.data import DataLoader

from ocr_export import alphabet
from ocr_export.checkpoint import build, load_checkpoint
from ocr_export.convnext import ConvNeXt
from ocr_export.crnn import CRNN
from ocr_preprocessing.spec import LineSpec
from ocr_training import losses
from ocr_training.batches import COLUMNS, POOL, Batch, MadeBatches
from ocr_training.evaluation import made_lines, read_made
from ocr_training.lines import MadeLine

Network = CRNN | ConvNeXt


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is trained, how long, and how. Stored in the checkpoint.

    lines: how many made lines are seen in all; the schedule is laid over them. minutes: if
    not 0, the schedule is laid over this training time instead (then not deterministic).
    frame_share: of the schedule that is frame-wise. short_share: likewise with short lines.
    full_share: of the schedule, at its end, with the soft-max over all classes.
    columns: of pixels in a batch. characters: if given, texts are drawn from these alone (for a quick look).
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
    characters: str = ""
    spec: LineSpec = dataclasses.field(default_factory=LineSpec)


@dataclasses.dataclass
class Progress:
    """What has been done so far: steps, lines and seconds of training, pools of lines used."""

    step: int = 0
    lines: int = 0
    seconds: float = 0.0
    pool: int = 0

    def share(self, plan: Plan) -> float:
        """Of the schedule, 0..1."""
        done = self.seconds / (60 * plan.minutes) if plan.minutes else self.lines / plan.lines
        return min(1.0, done)


class Trainer:
    """Owns model, averaged model, optimiser and progress; `run` trains to the plan's end."""

    def __init__(
        self, plan: Plan, fonts: Path, out: Path, device: str = "cpu", start: Path | None = None
    ) -> None:
        """Resumes from `out`/last.pt when it is there; else from the weights of the checkpoint
        `start`, if given. Raises ValueError when what is there does not fit the plan.
        """
        torch.manual_seed(plan.seed)
        torch.set_flush_denormal(True)  # twice as slow without it
        self.plan, self.fonts, self.out, self.device = plan, fonts, out, torch.device(device)
        sizes = {**plan.sizes, "classes": alphabet.class_count()}
        self.model: Network = cast("Network", build(plan.arch, sizes).network)
        self.model.to(self.device)
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.model).eval().requires_grad_(requires_grad=False)
        self.optimiser = torch.optim.AdamW(
            self.model.parameters(), lr=plan.peak_rate, weight_decay=plan.weight_decay, fused=True
        )
        self.progress = Progress()
        self.before: dict[str, Any] = {}  # training facts of the checkpoint it started from
        self.generator = torch.Generator().manual_seed(plan.seed)
        out.mkdir(parents=True, exist_ok=True)
        if (out / "last.pt").exists():
            self._resume(out / "last.pt")
        elif start:
            self._start(start)

    def run(
        self, *, save_every_s: float = 240, evaluate_every_s: float = 600, workers: int = 1
    ) -> None:
        """Trains until the schedule ends; logs to `out`/log.jsonl. Saves when interrupted."""
        held_out = made_lines(self.fonts, seed=0, count=40, characters=self.plan.characters)
        try:
            self._train(held_out, save_every_s, evaluate_every_s, workers)
        finally:
            self.save()

    def _train(
        self,
        held_out: dict[str, list[MadeLine]],
        save_every_s: float,
        evaluate_every_s: float,
        workers: int,
    ) -> None:
        saved = evaluated = time.monotonic()
        with (self.out / "log.jsonl").open("a", encoding="utf-8") as log:
            for batch in self._batches(workers):
                started = time.monotonic()
                loss, phase = self.train_step(batch)
                self.progress.seconds += time.monotonic() - started
                if self.progress.step % 50 == 0:
                    self._log(log, loss=round(loss, 4), phase=phase)
                now = time.monotonic()
                if now - evaluated > evaluate_every_s:
                    self._evaluate(log, held_out)
                    evaluated = time.monotonic()
                if now - saved > save_every_s:
                    self.save()
                    saved = now
                if self.progress.share(self.plan) >= 1:
                    break
            self._evaluate(log, held_out)

    def train_step(self, batch: Batch) -> tuple[float, str]:
        """One update. Returns the loss per character (or step) and the phase's name."""
        plan, share = self.plan, self.progress.share(self.plan)
        for group in self.optimiser.param_groups:
            group["lr"] = self._rate(share)
        self.model.train()
        lines = batch.lines.to(self.device).float().div_(255)
        lines = lines.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16):
            steps = self.model.steps(lines)
            negatives = 0 if share > 1 - plan.full_share else plan.negatives
            if share < plan.frame_share:
                phase = "frames"
                loss = losses.frame_loss(
                    steps,
                    self.model.output,
                    batch.frames.to(self.device),
                    blank_share=plan.blank_share,
                    negatives=negatives,
                    generator=self.generator,
                )
            else:
                phase = "ctc"
                loss = losses.ctc_loss(
                    steps,
                    self.model.output,
                    batch.targets.to(self.device),
                    batch.lengths,
                    negatives=negatives,
                    generator=self.generator,
                )
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
        self.optimiser.step()
        self.progress.step += 1
        self.progress.lines += len(batch.texts)
        self._update_average()
        return float(loss.detach()), phase

    def save(self) -> None:
        """Writes last.pt (to resume) and ema.pt (the averaged weights, to export)."""
        state = {
            "plan": _plain(self.plan),
            "progress": dataclasses.asdict(self.progress),
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "before": self.before,
        }
        _write(state, self.out / "last.pt")
        _write(self.export_state(), self.out / "ema.pt")

    def export_state(self) -> dict[str, Any]:
        """The checkpoint that ocr_export reads: averaged weights in FP16 and facts."""
        weights = {
            key: value.half() if value.is_floating_point() else value
            for key, value in self.average.state_dict().items()
        }
        return {
            "arch": self.plan.arch,
            "config": dataclasses.asdict(self.model.config),
            "alphabet_sha256": alphabet.digest(),
            "spec": self.plan.spec.to_parameters(),
            "model": weights,
            "training": {
                "data": "made lines only (ocr_training.lines)",
                "lines": self.progress.lines,
                "steps": self.progress.step,
                "hours": round(self.progress.seconds / 3600, 2),
                "seed": self.plan.seed,
                "plan": _plain(self.plan),
                "before": self.before,
            },
        }

    def _batches(self, workers: int) -> Iterator[Batch]:
        dataset = MadeBatches(
            self.fonts,
            self.plan.spec,
            seed=self.plan.seed,
            first_pool=self.progress.pool,
            short_lines=self.plan.short_lines,
            characters=self.plan.characters,
            columns=self.plan.columns,
        )
        loader = DataLoader(
            dataset, batch_size=None, num_workers=workers, prefetch_factor=24 if workers else None
        )
        first = self.progress.lines - self.progress.pool * POOL
        for batch in loader:
            yield batch
            self.progress.pool = max(0, self.progress.lines - first) // POOL

    def _rate(self, share: float) -> float:
        """Linear warm-up over steps, then cosine over the schedule."""
        plan = self.plan
        warm = min(1.0, (self.progress.step + 1) / plan.warmup_steps)
        cosine = (1 + math.cos(math.pi * share)) / 2
        return warm * (plan.last_rate + (plan.peak_rate - plan.last_rate) * cosine)

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(self.plan.ema, (1 + self.progress.step) / (10 + self.progress.step))
        state = self.model.state_dict()
        for key, value in self.average.state_dict().items():
            if value.is_floating_point():
                value.lerp_(state[key], 1 - decay)
            else:
                value.copy_(state[key])

    def _evaluate(self, log: TextIO, held_out: dict[str, list[MadeLine]]) -> None:
        scores = read_made(self.average, held_out, self.plan.spec, self.device)
        self._log(log, held_out={kind: round(s.one_minus_cer, 4) for kind, s in scores.items()})

    def _log(self, log: TextIO, **facts: Any) -> None:
        progress = self.progress
        row = {
            "step": progress.step,
            "lines": progress.lines,
            "minutes": round(progress.seconds / 60, 1),
            "share": round(progress.share(self.plan), 4),
            **facts,
        }
        text = json.dumps(row, ensure_ascii=False)
        print(text, file=log, flush=True)
        print(text, flush=True)

    def _start(self, path: Path) -> None:
        checkpoint = load_checkpoint(path)
        self.before = dict(checkpoint.training)
        weights = checkpoint.network.state_dict()
        try:
            self.model.load_state_dict(weights)
        except RuntimeError:
            raise ValueError(f"{path}: its sizes are not the plan's") from None
        self.average.load_state_dict(weights)

    def _resume(self, path: Path) -> None:
        state = torch.load(path, map_location=self.device, weights_only=True)
        for key in ("arch", "sizes", "seed"):
            mine, theirs = _plain(self.plan)[key], state["plan"][key]
            if mine != theirs:
                raise ValueError(f"{path}: was trained with {key} {theirs}, not {mine}")
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.progress = Progress(**state["progress"])
        self.before = state.get("before", {})  # not in files of the first version
        self.generator.manual_seed(self.plan.seed + self.progress.step)


def _plain(plan: Plan) -> dict[str, Any]:
    """As plain values, which `torch.load(weights_only=True)` accepts; tuples become lists."""
    plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(plan)))
    return plain


def _write(state: dict[str, Any], path: Path) -> None:
    """Atomically: a run killed while it saves keeps its last checkpoint."""
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.replace(path)
