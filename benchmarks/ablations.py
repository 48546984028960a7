"""What each part of the training pays: short runs that lack it or have it, from the same weights.

    python -m benchmarks.ablations --labels LABELS.tsv --out build/ablations [--only replay steep]
        [--lines 25000] [--write docs/decisions/training.md]

Each run goes on from `training/checkpoints/crnn_small.pt` with CTC, on the same number of made lines of
the same seed, and reads real lines at its end. What is compared with the run that has all is what
a further training without the part comes to, not one from nothing. A run that is done is not
done again: `--out` keeps it. Needs `make fonts`.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from benchmarks.stages import clahe_line, plain_line

from ocr_preprocessing.fast import Gray
from ocr_rollout.core.resampling import interval, resampled_sums
from ocr_rollout.core.texts import edit_distance, plain

ROOT = Path(__file__).resolve().parent.parent
START = ROOT / "training/checkpoints/crnn_small.pt"
TEACHER = ROOT / "training/checkpoints/crnn.pt"
ALL: Final = "all"
GROUPS: Final = ("print", "scan", "photo", "receipt", "sign")
MARKS: Final = (
    "<!-- ablations: written by `python -m benchmarks.ablations --write` -->",
    "<!-- ablations: end -->",
)


@dataclasses.dataclass(frozen=True)
class Change:
    """says: what the run does without, or has. plan: fields of `Plan` that differ.

    stages: what is done to each line before it is read, in training and after it, instead of
    `fast_line`. apply: changes the generator, in the process of the run.
    """

    says: str
    plan: dict[str, Any] = dataclasses.field(default_factory=dict)
    teacher: bool = False
    stages: Callable[..., Gray] | None = None
    apply: Callable[[], None] = lambda: None

    def set_stages(self) -> None:
        """From here on in this process, for made lines and real ones."""
        from ocr_training import evaluation, lines  # noqa: PLC0415  # the run's process alone

        if self.stages:
            lines.fast_line = evaluation.fast_line = self.stages


def _without(**shares: float) -> Callable[[], None]:
    """Training meets these of `Variety` so seldom."""

    def apply() -> None:
        from ocr_training import corpus, lines  # noqa: PLC0415  # the run's process alone

        less = {kind: dataclasses.replace(v, **shares) for kind, v in lines.TRAINED.items()}
        lines.TRAINED = corpus.TRAINED = less

    return apply


def _no_harm() -> None:
    from ocr_training import lines  # noqa: PLC0415  # the run's process alone

    lines.HARM[False] = dict.fromkeys(lines.KINDS, 0.0)


def _no_overlays() -> None:
    from ocr_training import photograph  # noqa: PLC0415  # the run's process alone

    for shares in photograph.OVERLAYS.values():
        shares.update(dict.fromkeys(shares, 0.0))


def _only_words() -> None:
    from ocr_training import corpus  # noqa: PLC0415  # the run's process alone

    corpus.RARE[False] = 0.0


CHANGES: Final[dict[str, Change]] = {
    ALL: Change("as it is"),
    "replay": Change("with hard lines in a seventh of the batches", plan={"replay_share": 0.15}),
    "teacher": Change("with a teacher's answers beside CTC", teacher=True),
    "degradations": Change("without blur, noise, JPEG, shadows, bends, skew", apply=_no_harm),
    "overlays": Change("without underlines, boxes, watermarks, stains", apply=_no_overlays),
    "uniform": Change("without characters that are drawn by chance", apply=_only_words),
    "phrases": Change("without texts of forms and shop fronts", apply=_without(phrases=0.0)),
    "sizes": Change("without several sizes and gaps", apply=_without(sizes=0.0, gaps=0.0)),
    "small": Change("without sources of few rows", apply=_without(small=0.0)),
    "steep": Change("without steep and curved lines", apply=_without(steep=0.0)),
    "surfaces": Change(
        "without textures, borders, dots", apply=_without(texture=0.0, behind=0.0, dotted=0.0)
    ),
    "running": Change("without hands in a hurry", apply=_without(running=0.0)),
    "scaled": Change("trained and read without stretching, scaled alone", stages=plain_line),
    "clahe": Change("trained and read with CLAHE instead of stretching", stages=clahe_line),
}


def train(name: str, out: Path, labels: Path, fonts: Path, lines: int) -> None:
    """One run in this process, whose generator it changes; writes `out`/NAME.json."""
    import torch  # noqa: PLC0415  # loads slowly

    from ocr_preprocessing.spec import LineSpec  # noqa: PLC0415  # loads slowly
    from ocr_training import evaluation  # noqa: PLC0415  # loads slowly
    from ocr_training.plan import Plan  # noqa: PLC0415  # loads slowly
    from ocr_training.trainer import Trainer  # noqa: PLC0415  # loads slowly

    torch.set_num_threads(1)
    change, spec, cpu = CHANGES[name], LineSpec(), torch.device("cpu")
    change.set_stages()
    real = evaluation.labelled_lines(labels, spec)
    made = evaluation.made_lines(fonts, seed=0, count=60)  # before the generator is changed
    change.apply()
    plan = Plan(
        "crnn_small",
        lines=lines,
        seed=11,
        frame_share=0.0,
        short_lines=0,
        peak_rate=8e-4,
        **change.plan,
    )
    trainer = Trainer(
        plan, fonts, out / name, start=START, teacher=TEACHER if change.teacher else None
    )
    trainer.run(evaluate_every_s=1e9)
    pairs = [
        (plain(truth), plain(reading))
        for truth, reading in evaluation.labelled_pairs(trainer.average, real, spec, cpu)
    ]
    scores = evaluation.read_made(trainer.average, made, spec, cpu)
    found = {
        "category": [category.split("/")[0] for _, _, category in real],
        "wrong": [edit_distance(truth, reading) for truth, reading in pairs],
        "length": [len(truth) for truth, _ in pairs],
        "made": {kind: score.one_minus_cer for kind, score in scores.items()},
    }
    (out / f"{name}.json").write_text(json.dumps(found), encoding="utf-8")


def table(found: dict[str, dict[str, Any]]) -> str:
    """1-CER of the run that has all, and by how many points each other is above it, with 95 % over
    all real lines.
    """
    head = ["training", "all real lines", *GROUPS, "made handwriting"]
    rows = [head, ["---"] * len(head), _as_it_is(found[ALL])]
    rows += [_changed(CHANGES[name].says, found[ALL], found[name]) for name in found if name != ALL]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _as_it_is(one: dict[str, Any]) -> list[str]:
    wrong, length = np.array(one["wrong"]), np.array(one["length"])
    right = [1 - wrong[those].sum() / length[those].sum() for those in _lines_of(one)]
    return [CHANGES[ALL].says, *(f"{value:.3f}" for value in (*right, one["made"]["handwriting"]))]


def _changed(says: str, whole: dict[str, Any], one: dict[str, Any]) -> list[str]:
    gained = 100.0 * (np.array(whole["wrong"]) - np.array(one["wrong"]))
    length = np.array(one["length"], float)
    points = [gained[those].sum() / length[those].sum() for those in _lines_of(one)]
    points.append(100 * (one["made"]["handwriting"] - whole["made"]["handwriting"]))
    cells = [f"{value:+.1f}" for value in points]
    sums = resampled_sums(np.column_stack([gained, length]), seed=0)
    low, high = interval(sums[:, 0] / sums[:, 1])
    return [says, f"{cells[0]} ({low:+.1f} to {high:+.1f})", *cells[1:]]


def _lines_of(one: dict[str, Any]) -> list[npt.NDArray[np.bool_]]:
    """All, and those of each group."""
    category = np.array(one["category"])
    return [np.ones(len(category), bool), *(category == group for group in GROUPS)]


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("build/ablations"))
    parser.add_argument("--fonts", type=Path, default=Path("build/fonts"))
    parser.add_argument("--lines", type=int, default=25_000)
    parser.add_argument("--only", nargs="+", choices=CHANGES, default=list(CHANGES))
    parser.add_argument("--at-once", type=int, default=1, help="runs beside each other")
    parser.add_argument("--write", type=Path, metavar="FILE", help="whose block to replace")
    parser.add_argument("--one", choices=CHANGES, help=argparse.SUPPRESS)
    asked = parser.parse_args(words)
    out = asked.out / f"{asked.lines}-lines"  # runs of other lengths are not to be compared
    out.mkdir(parents=True, exist_ok=True)
    if asked.one:
        train(asked.one, out, asked.labels, asked.fonts, asked.lines)
        return
    wanted = [ALL, *(name for name in asked.only if name != ALL)]
    _run(asked, out, [name for name in wanted if not (out / f"{name}.json").exists()])
    found = {
        name: json.loads((out / f"{name}.json").read_text(encoding="utf-8"))
        for name in CHANGES
        if (out / f"{name}.json").exists()
    }
    print(text := table(found))
    if asked.write:
        from ocr_training.card.markdown import replace_block  # noqa: PLC0415  # needed here alone

        replace_block(asked.write, f"{text}\n", *MARKS)


def _run(asked: argparse.Namespace, out: Path, names: Sequence[str]) -> None:
    """Each in a process of its own, so many beside each other; exits naming those that failed."""

    def run(name: str) -> int:
        print(f"{name}: begun", file=sys.stderr, flush=True)
        command = [sys.executable, "-m", "benchmarks.ablations", "--one", name]
        command += [f"--lines={asked.lines}"]
        for option in ("labels", "out", "fonts"):
            command += [f"--{option}={getattr(asked, option).resolve()}"]
        with (out / f"{name}.log").open("w", encoding="utf-8") as log:
            return subprocess.run(command, cwd=ROOT, stdout=log, stderr=log, check=False).returncode

    with ThreadPoolExecutor(asked.at_once) as pool:
        failed = [name for name, code in zip(names, pool.map(run, names), strict=True) if code]
    if failed:
        sys.exit(f"failed: {', '.join(failed)}; see {out}/NAME.log")


if __name__ == "__main__":
    main()
