"""What the commands of `ocrctl train` share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

Fonts = Annotated[Path, typer.Option(help="The folder that `make fonts` filled.")]
FONTS = Path("build/fonts")


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
    """Every expected fault becomes one line on stderr and exit code 1."""
    try:
        yield
    except (ValueError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
