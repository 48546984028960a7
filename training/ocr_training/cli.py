"""`ocrctl train`: train a recogniser on made lines, measure it, look at the lines."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ocr_training.card import cli as card
from ocr_training.options import FONTS, Fonts, one_line_errors

if TYPE_CHECKING:  # torch takes a second: not for `ocrctl --help`
    from ocr_training.scoring import Score

app = typer.Typer(help="Train recognisers on made lines.", no_args_is_help=True)

app.command("card")(card.card)
app.command("classes")(card.classes)


@app.command("run")
def run(
    arch: Annotated[str, typer.Argument(help="crnn, convnext or crnn_small")],
    out: Annotated[Path, typer.Option(help="Folder for checkpoints and the log.")],
    fonts: Fonts = FONTS,
    lines: Annotated[int, typer.Option(help="Made lines to see in all.")] = 2_000_000,
    minutes: Annotated[float, typer.Option(help="Training time instead of lines.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Of lines and weights.")] = 1,
    threads: Annotated[int, typer.Option(help="CPU threads of the training.")] = 2,
    device: Annotated[str, typer.Option(help="cpu or cuda")] = "cpu",
    start: Annotated[
        Path | None, typer.Option(help="Checkpoint whose weights to start from.")
    ] = None,
    teacher: Annotated[
        Path | None,
        typer.Option(metavar="CRNN", help="Checkpoint of a crnn to learn from."),
    ] = None,
    frame_share: Annotated[float, typer.Option(help="Share of the schedule before CTC.")] = 0.35,
    short_lines: Annotated[
        int, typer.Option(help="So many lines at first of at most 8 characters.")
    ] = 60_000,
    peak_rate: Annotated[float, typer.Option(help="Highest learning rate.")] = 1e-3,
    columns: Annotated[int, typer.Option(help="Pixel columns in a batch of lines.")] = 3584,
    replay_share: Annotated[
        float, typer.Option(help="Share of batches, in CTC, of lines that were hard.")
    ] = 0.0,
) -> None:
    """Train, or go on from where a run in the same folder stopped.

    Writes last.pt (to resume), ema.pt (to export) and log.jsonl into the folder, the first two
    every four minutes and when it is stopped by Ctrl-C or `kill`.

    Example: ocrctl train run crnn --out build/training/crnn --minutes 90

    Example: ocrctl train run crnn_small --teacher training/checkpoints/crnn.pt
    --out build/training/crnn_small --short-lines 0 --minutes 90

    Example: ocrctl train run convnext --start training/checkpoints/convnext.pt --frame-share 0
    --teacher training/checkpoints/crnn.pt --out build/training/convnext --short-lines 0
    --minutes 90
    """
    with one_line_errors(), _saved_when_stopped():
        import torch  # noqa: PLC0415  # loads slowly

        from ocr_training.plan import Plan  # noqa: PLC0415  # loads slowly
        from ocr_training.trainer import Trainer  # noqa: PLC0415  # loads slowly

        torch.set_num_threads(threads)
        plan = Plan(
            arch,
            lines=lines,
            minutes=minutes,
            seed=seed,
            frame_share=frame_share,
            short_lines=short_lines,
            peak_rate=peak_rate,
            columns=columns,
            replay_share=replay_share,
        )
        Trainer(plan, fonts, out, device, start, teacher).run()


@app.command("finder")
def finder(
    out: Annotated[Path, typer.Option(help="Folder for checkpoints and the log.")],
    fonts: Fonts = FONTS,
    crops: Annotated[int, typer.Option(help="Crops of made pages to see in all.")] = 60_000,
    minutes: Annotated[float, typer.Option(help="Training time instead of crops.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Of pages and weights.")] = 1,
    threads: Annotated[int, typer.Option(help="CPU threads of the training.")] = 1,
    size: Annotated[int, typer.Option(help="Pixels of a crop's side, a multiple of 32.")] = 640,
    count: Annotated[int, typer.Option(help="Crops of a batch.")] = 4,
    start: Annotated[
        Path | None, typer.Option(help="Checkpoint whose weights to start from.")
    ] = None,
    peak_rate: Annotated[float, typer.Option(help="Highest learning rate.")] = 1.5e-3,
) -> None:
    """Train the line finder, or go on from where a run in the same folder stopped.

    Writes last.pt (to resume), ema.pt (to export) and log.jsonl into the folder.

    Example: ocrctl train finder --out build/training/line_finder --minutes 60

    Example: ocrctl train finder --start training/checkpoints/line_finder.pt
    --out build/training/line_finder --seed 2 --peak-rate 7e-4
    """
    with one_line_errors(), _saved_when_stopped():
        import torch  # noqa: PLC0415  # loads slowly

        from ocr_training.finder.trainer import (  # noqa: PLC0415  # loads slowly
            FinderPlan,
            FinderTrainer,
        )

        torch.set_num_threads(threads)
        plan = FinderPlan(
            crops=crops, minutes=minutes, seed=seed, size=size, count=count, peak_rate=peak_rate
        )
        FinderTrainer(plan, fonts, out, start).run()


@app.command("average")
def average(
    after: Annotated[Path, typer.Argument(help="ema.pt of a run that began with --start.")],
    before: Annotated[Path, typer.Argument(help="The checkpoint that it started from.")],
    out: Annotated[Path, typer.Option(help="The checkpoint to write.")],
    share: Annotated[float, typer.Option(help="Of the second one, 0 to 1.")] = 0.2,
) -> None:
    """Write the weights between a run's end and its beginning, which may read better than both.

    Example: ocrctl train average build/training/crnn/ema.pt training/checkpoints/crnn.pt
    --out build/training/crnn/between.pt && ocrctl train evaluate build/training/crnn/between.pt
    """
    with one_line_errors():
        from ocr_training.averaging import write_between  # noqa: PLC0415  # loads slowly

        write_between(after, before, share, out)


@app.command("evaluate")
def evaluate(
    checkpoint: Annotated[Path, typer.Argument(help="ema.pt of a run.")],
    fonts: Fonts = FONTS,
    count: Annotated[int, typer.Option(help="Made held-out lines of each kind.")] = 200,
    labels: Annotated[
        Path | None, typer.Option(help="labels.tsv of real lines, read instead of made ones.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Score a checkpoint by kind: 1-CER after NFKC with spaces removed, and whole lines.

    Example: ocrctl train evaluate build/training/crnn/ema.pt --count 500
    """
    with one_line_errors():
        import torch  # noqa: PLC0415  # loads slowly

        from ocr_export.checkpoint import load_checkpoint  # noqa: PLC0415  # loads slowly
        from ocr_preprocessing.spec import LineSpec  # noqa: PLC0415  # loads slowly
        from ocr_training import evaluation  # noqa: PLC0415  # loads slowly

        network, spec, cpu = load_checkpoint(checkpoint).network, LineSpec(), torch.device("cpu")
        if labels is None:
            made = evaluation.made_lines(fonts, seed=0, count=count)
            scores = evaluation.read_made(network, made, spec, cpu)
        else:
            real = evaluation.labelled_lines(labels, spec)
            scores = evaluation.read_labelled(network, real, spec, cpu)
    _report(scores, as_json=as_json)


@app.command("lines")
def write_lines(
    out: Annotated[Path, typer.Argument(help="Folder for the images and labels.tsv.")],
    fonts: Fonts = FONTS,
    count: Annotated[int, typer.Option(help="Lines of each kind.")] = 20,
    seed: Annotated[int, typer.Option(help="Another seed, other lines.")] = 0,
    *,
    held_out: Annotated[bool, typer.Option(help="Fonts and words training never sees.")] = True,
) -> None:
    """Write made lines as PNG files with their truth, to look at or to score.

    Example: ocrctl train lines build/lines --count 100
    """
    with one_line_errors():
        from ocr_training.dataset import write_dataset  # noqa: PLC0415  # loads slowly
        from ocr_training.lines import LineMaker  # noqa: PLC0415  # loads slowly

        maker = LineMaker(fonts, held_out=held_out)
        print(f"{write_dataset(maker, out, count=count, seed=seed)} lines in {out}")


def _report(scores: dict[str, Score], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({kind: dataclasses.asdict(score) for kind, score in scores.items()}))
        return
    for kind, score in scores.items():
        print(
            f"{kind:16s} n={score.n:5d}  line {score.line_accuracy:.3f}"
            f"  1-CER {score.one_minus_cer:.3f}"
        )


@contextlib.contextmanager
def _saved_when_stopped() -> Iterator[None]:
    """`kill` is a Ctrl-C meanwhile, which saves: so are runs in the background stopped, and a
    shell that starts them there has them ignore the other one.
    """
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, signal.default_int_handler) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
