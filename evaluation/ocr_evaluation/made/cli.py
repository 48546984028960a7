"""`ocrctl dataset make`: labelled images of five kinds, for `ocrctl ab-test`."""

from __future__ import annotations

import collections
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocr_evaluation.refusing import refusing

from .kinds import KINDS, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ocr_training.dataset import Labelled

app = typer.Typer(help="Labelled images to measure with.", no_args_is_help=True)


@app.callback()
def _root() -> None:
    """A callback makes Typer build a group, even with one command."""


def _kinds(names: list[str] | None) -> list[str]:
    unknown = next((name for name in names or () if name not in KINDS), None)
    if unknown is not None:
        raise typer.BadParameter(f"{unknown!r} is not accepted; accepted: {', '.join(KINDS)}")
    return [kind for kind in KINDS if not names or kind in names]


@app.command()
def make(
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="Folder for the images and labels.tsv.")
    ],
    *,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND", callback=_kinds, help=f"{', '.join(KINDS)}; once for each, else all."
        ),
    ] = None,
    n: Annotated[int, typer.Option("--n", min=1, max=9999, help="Images of each kind.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other images.")] = 1,
    fonts: Annotated[Path, typer.Option(help="The folder that `make fonts` filled.")] = Path(
        "build/fonts"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make labelled line images of five kinds, with words and faces that training never sees.

    Clear print, scanned pages, invoices by phone, handwriting, signs. labels.tsv says in its column
    slices what was done to each: blur, dark, skew, shadow. An image depends on kind, seed and
    number alone: a larger set begins with a smaller one.

    Example: ocrctl dataset make build/five --n 100 --seed 1

    Exit code 0: made; 1: not, and nothing is left in OUT; 2: wrong usage; 130: interrupted, as 1.
    """
    kinds = [name for name in KINDS if name in (kind or ())]
    with refusing():
        facts = _make(out, kinds, n, seed, fonts)
    if as_json:
        print(json.dumps(facts, ensure_ascii=False))
        return
    print(f"{facts['images']} images in {out}: {n} each of {', '.join(kinds)}; seed {seed}")
    print(f"digest {facts['digest']}")


def _make(out: Path, kinds: Sequence[Kind], n: int, seed: int, fonts: Path) -> dict[str, Any]:
    """Raises OSError, or KeyboardInterrupt with nothing left of what was written."""
    # Imported here, so that `ocrctl --help` need not wait for OpenCV.
    from ocr_evaluation.progress import bar  # noqa: PLC0415
    from ocr_training.dataset import check_free, write_labelled  # noqa: PLC0415

    from .digest import digest  # noqa: PLC0415
    from .picture import PictureMaker  # noqa: PLC0415

    check_free(out)  # before fonts and words are read, which takes seconds
    maker = PictureMaker(fonts)
    if not maker.held_out:
        print(f"ocrctl: {fonts} has only faces that training sees, too", file=sys.stderr)
    done: collections.Counter[str] = collections.Counter()

    def shown() -> Iterator[Labelled]:
        with bar("making", n * len(kinds)) as advance:
            for picture in maker.pictures(kinds, n, seed):
                done.update(picture.slices)
                yield picture
                advance(0)

    images = write_labelled(shown(), out)
    return {
        "folder": str(out),
        "images": images,
        "kinds": list(kinds),
        "n": n,
        "seed": seed,
        "slices": dict(sorted(done.items())),
        "digest": digest(out),
    }
