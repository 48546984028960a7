"""Trains one recogniser on made lines: frame-wise or after a teacher first, then CTC. Stops and resumes anywhere."""

from __future__ import annotations

import copy
import dataclasses
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import cv2
import torch
from torch.utils.data import DataLoader

from ocr_export import alphabet
from ocr_export.checkpoint import build, load_checkpoint
from ocr_export.crnn_small import CRNNSmall
from ocr_training import course
from ocr_training.batches import POOL, Batch, MadeBatches
from ocr_training.evaluation import made_lines, read_made
from ocr_training.lessons import Network, learn
from ocr_training.lines import MadeLine
from ocr_training.plan import Plan, Progress, plain
from ocr_training.replay import Replay
from ocr_training.teacher import FITTED_ON, Teacher


class Trainer:
    """Owns model, averaged model, optimiser and progress; `run` trains to the plan's end."""

    def __init__(
        self,
        plan: Plan,
        fonts: Path,
        out: Path,
        device: str = "cpu",
        start: Path | None = None,
        teacher: Path | None = None,
    ) -> None:
        """Resumes from `out`/last.pt when it is there; else from the weights of the checkpoint
        `start`, if given. Raises ValueError when what is there does not fit the plan.

        teacher: checkpoint of a crnn to learn from. Only a crnn_small can be matched to its steps.
        """
        torch.manual_seed(plan.seed)
        torch.set_flush_denormal(True)  # twice as slow without it
        self.plan, self.fonts, self.out, self.device = plan, fonts, out, torch.device(device)
        self.in_bf16 = course.has_bf16(self.device)
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
        self.replay = Replay(plan.replay_share, seed=plan.seed, columns=plan.columns)
        if teacher and plan.frame_share and not isinstance(self.model, CRNNSmall):
            raise ValueError(
                f"{plan.arch}: only a crnn_small is matched to its teacher's steps; what others"
                " take from it is its answers, beside CTC: give --frame-share 0"
            )
        self.teacher = Teacher(teacher, self.device) if teacher else None
        out.mkdir(parents=True, exist_ok=True)
        if (out / "last.pt").exists():
            self._resume(out / "last.pt")
        elif start:
            self._start(start)
        elif self.teacher and isinstance(self.model, CRNNSmall):
            self._prepare(self.teacher, self.model)

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
        course.Course(
            progress=self.progress,
            share=lambda: self.progress.share(self.plan),
            step=self.train_step,
            said=lambda found: {"loss": round(found[0], 4), "phase": found[1]},
            log=self._log,
            evaluate=lambda: self._evaluate(held_out),
            save=self.save,
        ).run(self._batches(workers), save_every_s=save_every_s, evaluate_every_s=evaluate_every_s)

    def train_step(self, batch: Batch) -> tuple[float, str]:
        """One update. Returns the loss per character (or step) and the phase's name."""
        share = self.progress.share(self.plan)
        course.set_rate(self.optimiser, course.rate(self.plan, self.progress.step, share))
        self.model.train()
        lines = batch.lines.to(self.device).float().div_(255)
        lines = lines.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.in_bf16):
            lesson = learn(
                self.model, batch, lines, self.plan, share, self.generator, teacher=self.teacher
            )
        if lesson.each is not None:
            self.replay.note(batch, lesson.each.detach().cpu() / batch.lengths)
        course.update(self.optimiser, self.model, lesson.loss)
        self.progress.step += 1
        self.progress.lines += len(batch.texts)
        self.progress.replayed += len(batch.tries)
        course.follow(self.average, self.model, step=self.progress.step, most=self.plan.ema)
        return float(lesson.loss.detach()), lesson.phase

    def save(self) -> None:
        """Writes last.pt (to resume) and ema.pt (the averaged weights, to export)."""
        state = {
            "plan": plain(self.plan),
            "progress": dataclasses.asdict(self.progress),
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "before": self.before,
            "replay": self.replay.state(),
            "teacher": self.teacher.state() if self.teacher else None,
        }
        course.write_whole(state, self.out / "last.pt")
        course.write_whole(self.export_state(), self.out / "ema.pt")

    def export_state(self) -> dict[str, Any]:
        """The checkpoint that ocr_export reads: averaged weights in FP16 and facts."""
        return {
            "arch": self.plan.arch,
            "config": dataclasses.asdict(self.model.config),
            "alphabet_sha256": alphabet.digest(),
            "spec": self.plan.spec.to_parameters(),
            "model": course.in_half(self.average.state_dict()),
            "training": {
                "data": "made lines only (ocr_training.lines)",
                "lines": self.progress.lines,
                "replayed": self.progress.replayed,
                "steps": self.progress.step,
                "hours": round(self.progress.seconds / 3600, 2),
                "seed": self.plan.seed,
                "plan": plain(self.plan),
                "before": self.before,
                **({"teacher": self.teacher.facts} if self.teacher else {}),
            },
        }

    def _batches(self, workers: int) -> Iterator[Batch]:
        """New ones, and between them those of hard lines."""
        return self.replay.between(self._new_batches(workers))

    def _new_batches(self, workers: int) -> Iterator[Batch]:
        dataset = MadeBatches(
            self.fonts,
            self.plan.spec,
            seed=self.plan.seed,
            first_pool=self.progress.pool,
            short_lines=self.plan.short_lines,
            characters=self.plan.characters,
            columns=self.plan.columns,
        )
        # Two threads take half as much time again for a line. To be said here: a forked worker that
        # says so waits for ever for threads that it did not inherit.
        cv2.setNumThreads(1)
        loader = DataLoader(
            dataset, batch_size=None, num_workers=workers, prefetch_factor=24 if workers else None
        )
        first = self.progress.fresh - self.progress.pool * POOL
        for batch in loader:
            yield batch
            self.progress.pool = max(0, self.progress.fresh - first) // POOL

    def _evaluate(self, held_out: dict[str, list[MadeLine]]) -> None:
        scores = read_made(self.average, held_out, self.plan.spec, self.device)
        self._log({"held_out": {kind: round(s.one_minus_cer, 4) for kind, s in scores.items()}})

    def _log(self, facts: Mapping[str, Any]) -> None:
        progress = self.progress
        row = {
            "step": progress.step,
            "lines": progress.lines,
            "minutes": round(progress.seconds / 60, 1),
            "share": round(progress.share(self.plan), 4),
            **facts,
        }
        course.write_row(self.out / "log.jsonl", row)

    def _start(self, path: Path) -> None:
        checkpoint = load_checkpoint(path)
        self.before = dict(checkpoint.training)
        course.begin_with(checkpoint.network.state_dict(), self.model, self.average, path)

    def _prepare(self, teacher: Teacher, student: CRNNSmall) -> None:
        batches = itertools.islice(self._new_batches(workers=0), FITTED_ON)
        lines = (batch.lines.to(self.device).float() / 255 for batch in batches)
        teacher.prepare(student, lines)
        self.average.load_state_dict(self.model.state_dict())

    def _resume(self, path: Path) -> None:
        state = torch.load(path, map_location=self.device, weights_only=True)
        course.refuse_other(path, ("arch", "sizes", "seed"), plain(self.plan), state["plan"])
        taught = state.get("teacher")  # not in files of the second version
        if bool(taught) != bool(self.teacher):
            had, give = ("a", "give it") if taught else ("no", "leave out")
            raise ValueError(f"{path}: was trained with {had} teacher; {give} --teacher")
        if taught and self.teacher:
            self.teacher.load(taught)
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.progress = Progress(**state["progress"])
        self.before = state.get("before", {})  # not in files of the first version
        if "replay" in state:  # nor this
            self.replay.load(state["replay"])
        self.generator.manual_seed(self.plan.seed + self.progress.step)
