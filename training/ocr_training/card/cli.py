"""`ocrctl train card` and `classes`: what published versions read."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from ocr_training.options import FONTS, Fonts, one_line_errors

Repository = Annotated[Path, typer.Option(help="Where the versions are.")]
REPOSITORY = Path("model_repository")
WORK = Path("build/card")


def card(
    labels: Annotated[
        Path | None, typer.Option(help="labels.tsv of real lines; left out, made lines alone.")
    ] = None,
    repository: Repository = REPOSITORY,
    fonts: Fonts = FONTS,
    made: Annotated[int, typer.Option(help="Made held-out lines of each kind.")] = 200,
    stress: Annotated[int, typer.Option(help="Made lines of each single difficulty.")] = 80,
    work: Annotated[Path, typer.Option(help="Folder for the made lines, emptied first.")] = WORK,
    version: Annotated[
        list[str] | None, typer.Option(help="NAME:NUMBER (again for more); else all published.")
    ] = None,
    others: Annotated[
        Path | None, typer.Option(help="Readings that `python -m benchmarks.others` wrote.")
    ] = None,
    write: Annotated[
        Path | None, typer.Option(help="Markdown file whose block between markers to replace.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not Markdown.")] = False,
    sets_only: Annotated[bool, typer.Option(help="Make the lines and stop.")] = False,
) -> None:
    """Measure published versions as they are served, and write their card.

    Accuracy with intervals, calibration, slices, confusions, speed, size and digest.

    Example: ocrctl train card --labels LABELS.tsv --write docs/models.md
    """
    with one_line_errors():
        from ocr_training.card import document, markdown  # noqa: PLC0415  # loads slowly

        sets = document.write_sets(fonts, work, made=made, stress=stress)
        if sets_only:
            print("\n".join(map(str, sets.values())))
            return
        sets = ({"real": labels} if labels else {}) | sets
        found = document.measure_card(repository, sets, fonts, only=version or (), others=others)
        text = markdown.render(found)
        if write:
            markdown.replace_block(write, text)
        print(json.dumps(found, ensure_ascii=False) if as_json else text)


def classes(
    version: Annotated[str, typer.Argument(metavar="NAME:NUMBER")],
    repository: Repository = REPOSITORY,
    fonts: Fonts = FONTS,
    times: Annotated[int, typer.Option(min=1, help="Print each character so often.")] = 3,
    lines: Annotated[int, typer.Option(min=1, help="Lines of training to count in.")] = 100_000,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Each character, as JSON.")] = False,
) -> None:
    """Tell which characters a version does not read, and how often training shows each.

    Every character of the alphabet is printed in faces that training never sees, ten by chance on
    a line.

    Example: ocrctl train classes crnn:4
    """
    with one_line_errors():
        from ocr_export import alphabet  # noqa: PLC0415  # loads slowly
        from ocr_training.card import classes as telling  # noqa: PLC0415  # loads slowly
        from ocr_training.card.reader import Reader, published  # noqa: PLC0415  # loads slowly
        from ocr_training.lines import LineMaker  # noqa: PLC0415  # loads slowly

        (one,) = published(repository, {version})
        reader = Reader(one)
        held_out, trained = LineMaker(fonts, held_out=True), LineMaker(fonts)
        characters = telling.distinct(alphabet.characters())
        texts = telling.texts(characters, times)
        with typer.progressbar(
            telling.readings(held_out, reader, texts),
            length=len(texts),
            label=f"{version} reads",
            file=sys.stderr,
        ) as pairs:
            found = telling.tell(characters, telling.shown(trained, lines), pairs)
        if as_json:
            print(json.dumps([dataclasses.asdict(one) for one in found], ensure_ascii=False))
        else:
            print(telling.render(found, version, lines))
