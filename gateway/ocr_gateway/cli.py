"""`ocrctl serve`: the REST service and its pages."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ocr_client.cli.options import DEFAULT_CONFIG, ConfigSource, TritonURL

FAILED = 1


def serve(
    *,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0: every one of this machine.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="TCP port; 0: a free one.")] = 5000,
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="This model answers everything; routing is off."),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Processes, each with limits of its own.")
    ] = 1,
    quiet: Annotated[bool, typer.Option("--quiet", help="Log warnings and errors only.")] = False,
    config: ConfigSource = None,
    url: TritonURL = None,
) -> None:
    """Serve REST and web pages until Ctrl-C; a second one does not wait for what is under way.

    Example: ocrctl serve --port 5000

    Logs are JSON, one object a line, on stderr. Exit code 0: ended by SIGTERM; 1: could not begin;
    130: by Ctrl-C.
    """
    # Imported here, so that `ocrctl --help` need not wait for them.
    from ocr_client.errors import ConfigError  # noqa: PLC0415

    from .options import Options  # noqa: PLC0415
    from .serving import CannotListenError, run  # noqa: PLC0415
    from .tokens import TokenError  # noqa: PLC0415

    if config is None and DEFAULT_CONFIG.exists():
        config = str(DEFAULT_CONFIG)
    options = Options(config, url, model, quiet)
    try:
        run(options, host=host, port=port, workers=workers)
    except (ConfigError, TokenError, CannotListenError) as error:
        print(f"ocrctl: {error}", file=sys.stderr)
        raise typer.Exit(FAILED) from None
