"""`ocrctl recognize`: image files in, texts out."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ocr_client.config import ClientConfig
    from ocr_client.errors import OCRError
    from ocr_client.results import LineResult

DEFAULT_CONFIG = Path("config.yaml")
BAR_FROM = 20  # images
FAILED, WRONG_USAGE, INTERRUPTED = 1, 2, 130

app = typer.Typer(add_completion=False)


@app.command()
def recognize(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Image files.")],
    user_id: Annotated[
        str | None, typer.Option(metavar="U", help="Part of what decides the arm.")
    ] = None,
    arm: Annotated[
        str | None,
        typer.Option(metavar="MODEL:VERSION", help="This arm or an error; no fallback."),
    ] = None,
    line: Annotated[  # noqa: ARG001, FBT002  # the only mode there is so far
        bool, typer.Option("--line", help="Each image is one line of text (the only mode so far).")
    ] = False,
    as_json: Annotated[  # noqa: FBT002  # a switch of the command line
        bool, typer.Option("--json", help="One JSON object a line, as they come.")
    ] = False,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            envvar="OCR_ROLLOUT_CONFIG",
            help="Configuration; config.yaml in this folder, or the defaults, when left out.",
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            envvar="OCR_ROLLOUT_TRITON_URL",
            help="Triton's HTTP address instead of triton.urls.",
        ),
    ] = None,
) -> None:
    """Read images of text lines; the router or --arm decides which model does.

    Example: ocrctl recognize samples/*.png --user-id u1

    Exit code 0: all were read; 1: some failed; 2: wrong usage; 130: interrupted.
    """
    # Imported here, so that `ocrctl --help` need not wait for OpenCV.
    from ocr_client.errors import BadArmError, ConfigError  # noqa: PLC0415

    try:
        failed = _recognize(paths, user_id, arm, _configured(config, url), as_json=as_json)
    except (BadArmError, ConfigError) as error:
        _complain(str(error))
        raise typer.Exit(WRONG_USAGE) from None
    except KeyboardInterrupt:
        _complain("interrupted")
        raise typer.Exit(INTERRUPTED) from None
    if failed:
        raise typer.Exit(FAILED)


def to_json(file: str, answer: LineResult | OCRError) -> dict[str, Any]:
    """One object of `--json`. The keys of a result are there for a failure, too."""
    from ocr_client.errors import OCRError  # noqa: PLC0415

    if isinstance(answer, OCRError):
        return {
            "file": file,
            "success": False,
            "text": None,
            "confidence": None,
            "time_ms": None,
            "arm": None,
            "bucket": None,
            "fell_back": False,
            "rescued": False,
            "error": str(answer),
            "error_type": type(answer).__name__,
            "owner": answer.owner,
        }
    return {"file": file, "success": True, **answer.to_json(), "error": None}


def _configured(path: Path | None, url: str | None) -> ClientConfig:
    """Raises ConfigError."""
    from ocr_client.config import ClientConfig  # noqa: PLC0415
    from ocr_client.errors import ConfigError  # noqa: PLC0415
    from ocr_client.sections import is_address  # noqa: PLC0415

    if path is None and DEFAULT_CONFIG.exists():
        path = DEFAULT_CONFIG
    config = ClientConfig() if path is None else ClientConfig.load(path)
    if url is None:
        return config
    if not is_address(url):
        raise ConfigError(f"--url: {url!r} is not accepted; accepted: HOST:PORT without http://")
    return dataclasses.replace(config, triton=dataclasses.replace(config.triton, urls=(url,)))


def _recognize(
    paths: list[str], user_id: str | None, arm: str | None, config: ClientConfig, *, as_json: bool
) -> bool:
    """Whether some failed."""
    from ocr_client.client import OCRClient  # noqa: PLC0415
    from ocr_client.errors import OCRError  # noqa: PLC0415

    if as_json:  # JSON is UTF-8; what no encoder takes becomes \udcxx, which JSON can read
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    rows: list[tuple[str, LineResult]] = []
    told: set[str] = set()
    failed = False
    with (
        OCRClient(config) as client,
        contextlib.closing(client.recognize_many(paths, user_id=user_id, arm=arm)) as answers,
    ):
        for file, answer in zip(paths, _with_bar(answers, len(paths)), strict=True):
            if as_json:
                print(json.dumps(to_json(file, answer), ensure_ascii=False), flush=True)
            if not isinstance(answer, OCRError):
                rows.append((file, answer))
                continue
            failed = True
            complaint = _complaint(file, answer)
            # A server that is gone is one fact, however many files were asked for.
            if complaint not in told and (not as_json or answer.owner == "network"):
                _complain(complaint)
            told.add(complaint)
    if rows and not as_json:
        from .table import print_table, results_table  # noqa: PLC0415

        print_table(results_table(rows))
    return failed


def _complaint(file: str, error: OCRError) -> str:
    text = str(error)
    return text if error.owner in {"caller", "network"} else f"{file}: {text}"


def _with_bar(
    answers: Iterator[LineResult | OCRError], total: int
) -> Iterator[LineResult | OCRError]:
    if total < BAR_FROM or not sys.stderr.isatty():
        yield from answers
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import Progress  # noqa: PLC0415

    # What is printed goes above the bar; never to stderr what belongs into a file.
    with Progress(
        console=Console(stderr=True), redirect_stdout=sys.stdout.isatty(), transient=True
    ) as bar:
        yield from bar.track(answers, total=total, description="reading")


def _complain(text: str) -> None:
    print(f"ocrctl: {text}", file=sys.stderr)
