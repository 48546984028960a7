"""`ocrctl recognize`: images, PDFs, folders and addresses in, texts out."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from .options import ConfigFile, TritonURL, configured

if TYPE_CHECKING:
    from ocr_client.config import ClientConfig
    from ocr_client.pages.formats import Format
    from ocr_client.pages.settings import FinderChoice
    from ocr_client.pages.sources import Wanted

    from .recognizing import Order

FAILED, WRONG_USAGE, INTERRUPTED = 1, 2, 130
_FORMATS = "text, json, markdown, html, csv, hocr, alto or pdf"
_SUFFIXES: dict[str, Format] = {
    ".txt": "text",
    ".json": "json",
    ".jsonl": "json",
    ".md": "markdown",
    ".html": "html",
    ".csv": "csv",
    ".hocr": "hocr",
    ".xml": "alto",
    ".pdf": "pdf",
}

app = typer.Typer(add_completion=False)


@app.command()
def recognize(  # noqa: PLR0913, PLR0917  # as many parameters as the verb has options
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="Images, PDFs, folders, patterns, http(s):// addresses, or - for stdin.",
        ),
    ],
    user_id: Annotated[
        str | None, typer.Option(metavar="U", help="Part of what decides the arm.")
    ] = None,
    arm: Annotated[
        str | None,
        typer.Option(metavar="MODEL:VERSION", help="This arm or an error; no fallback."),
    ] = None,
    line: Annotated[
        bool | None,
        typer.Option(
            "--line/--page",
            help="Each image is one line of text, or a page; it decides by itself when left out.",
            show_default=False,
        ),
    ] = None,
    finder: Annotated[
        str | None,
        typer.Option(
            metavar="FINDER",
            help="Of lines: classical, learned or auto, instead of pages.finder.",
        ),
    ] = None,
    recursive: Annotated[  # noqa: FBT002  # a switch of the command line
        bool, typer.Option("--recursive", "-r", help="Folders with the folders in them.")
    ] = False,
    fields: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Rules for fields of receipts and invoices: a YAML file, shipped, or none.",
        ),
    ] = None,
    upright: Annotated[  # noqa: FBT002  # a switch of the command line
        bool,
        typer.Option("--upright", help="No page is turned: no look at its other sides."),
    ] = False,
    as_json: Annotated[  # noqa: FBT002  # a switch of the command line
        bool, typer.Option("--json", help="One JSON object a line, as they come.")
    ] = False,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="FORMAT", help=f"{_FORMATS} (with text to search); csv: the tables."
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(metavar="FILE|FOLDER/", help="Where to; in a folder a file for each input."),
    ] = None,
    visualize: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Pictures with boxes and texts go there."),
    ] = None,
    font: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="For the texts of --visualize; one with Chinese."),
    ] = None,
    pages: Annotated[
        str | None,
        typer.Option(metavar="RANGES", help="Of a PDF or TIFF, e.g. 1-3,7 or 10-."),
    ] = None,
    dpi: Annotated[
        float, typer.Option(min=50, max=1200, help="Dots per inch at which PDFs are drawn.")
    ] = 200.0,
    text_layer: Annotated[  # noqa: FBT002  # a switch of the command line
        bool,
        typer.Option("--text-layer", help="Take the text that a PDF page holds, where it does."),
    ] = False,
    allow_private: Annotated[  # noqa: FBT002  # a switch of the command line
        bool,
        typer.Option("--allow-private", help="Fetch from addresses that are not public, too."),
    ] = False,
    config: ConfigFile = None,
    url: TritonURL = None,
) -> None:
    """Read lines and pages of text; the router or --arm decides which model does.

    Example: ocrctl recognize scans/*.jpg invoice.pdf --format pdf --out texts.pdf

    Exit code 0: all were read; 1: some failed; 2: wrong usage; 130: interrupted.
    """
    # Imported here, so that `ocrctl --help` need not wait for OpenCV.
    from ocr_client.errors import BadArmError, ConfigError  # noqa: PLC0415

    from .recognizing import Order, run  # noqa: PLC0415

    try:
        order = Order(
            names=tuple(paths),
            wanted=dataclasses.replace(
                _wanted(pages, dpi, allow_private=allow_private), recursive=recursive
            ),
            user_id=user_id,
            arm=arm,
            line=line,
            upright=upright,
            text_layer=text_layer,
            format=_format(format_, out, as_json=as_json),
            out=None if out is None else Path(out),
            each=out is not None and (out.endswith("/") or Path(out).is_dir()),
            visualize=visualize,
            font=font,
        )
        _check(order)
        failed = run(order, _ruled_by(fields, _found_by(finder, configured(config, url))))
    except (BadArmError, ConfigError) as error:
        _complain(str(error))
        raise typer.Exit(WRONG_USAGE) from None
    except BrokenPipeError:  # whoever read it has enough
        raise
    except OSError as error:  # of what is written: everything else is told of its own file
        _complain(f"{error.filename or 'stdout'}: {(error.strerror or str(error)).lower()}")
        raise typer.Exit(FAILED) from None
    except KeyboardInterrupt:
        _complain("interrupted")
        raise typer.Exit(INTERRUPTED) from None
    if failed:
        raise typer.Exit(FAILED)


def _wanted(pages: str | None, dpi: float, *, allow_private: bool) -> Wanted:
    """Raises typer.BadParameter."""
    from ocr_client.pages.sources import Wanted  # noqa: PLC0415
    from ocr_client.pages.sources.ranges import PageRanges  # noqa: PLC0415
    from ocr_client.pages.sources.remote import FetchLimits  # noqa: PLC0415

    try:
        ranges = None if pages is None else PageRanges.parse(pages)
    except ValueError as error:
        raise typer.BadParameter(f"--pages: {error}") from None
    return Wanted(ranges, dpi, fetch=FetchLimits(allow_private=allow_private))


def _found_by(finder: str | None, config: ClientConfig) -> ClientConfig:
    """With that finder of lines. Raises typer.BadParameter."""
    from ocr_client.pages.settings import FinderChoice  # noqa: PLC0415

    if finder is None:
        return config
    known = get_args(FinderChoice)
    if finder not in known:
        accepted = ", ".join(known)
        raise typer.BadParameter(f"--finder: {finder!r} is not accepted; accepted: {accepted}")
    pages = dataclasses.replace(config.pages, finder=cast("FinderChoice", finder))
    return dataclasses.replace(config, pages=pages)


def _ruled_by(fields: str | None, config: ClientConfig) -> ClientConfig:
    """With those rules for fields. Raises typer.BadParameter."""
    from ocr_client.pages.fields import RulesError  # noqa: PLC0415
    from ocr_client.pages.settings import field_rules  # noqa: PLC0415

    if fields is None:
        return config
    try:
        rules = field_rules(fields)
    except RulesError as error:
        raise typer.BadParameter(f"--fields: {error}") from None
    return dataclasses.replace(config, pages=dataclasses.replace(config.pages, fields=rules))


def _format(name: str | None, out: str | None, *, as_json: bool) -> Format | None:
    """None: for people. Raises typer.BadParameter."""
    from ocr_client.pages.formats import FORMATS  # noqa: PLC0415

    if as_json and name not in {None, "json"}:
        raise typer.BadParameter(f"--json and --format {name}: choose one of them")
    if as_json or name == "json":
        return "json"
    found = next((format_ for format_ in FORMATS if format_ == name), None)
    if name is not None and found is None:
        raise typer.BadParameter(f"--format: {name!r} is not accepted; accepted: {_FORMATS}")
    if found is None and out is not None:
        found = _SUFFIXES.get(Path(out).suffix.lower())
        if found is None:
            raise typer.BadParameter(f"--out {out}: name a --format: {_FORMATS}")
    return found


def _check(order: Order) -> None:
    """Raises typer.BadParameter on what would only show after all pages have been read."""
    if order.format == "pdf" and order.out is None and sys.stdout.isatty():
        raise typer.BadParameter("--format pdf: name a file with --out, or send stdout to one")
    if order.names.count("-") > 1:
        raise typer.BadParameter("-: stdin can be read only once")
    for name, folder in (
        ("--out", order.out if order.each else None),
        ("--visualize", order.visualize),
    ):
        if folder is not None and folder.exists() and not folder.is_dir():
            raise typer.BadParameter(f"{name} {folder}: is a file; name a folder")
    if order.out is not None and not order.each and not order.out.absolute().parent.is_dir():
        raise typer.BadParameter(f"--out {order.out}: there is no folder {order.out.parent}")
    if order.font is not None and not order.font.is_file():
        raise typer.BadParameter(f"--font {order.font}: no such file")


def _complain(text: str) -> None:
    print(f"ocrctl: {text}", file=sys.stderr)
