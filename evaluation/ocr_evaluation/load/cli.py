"""`ocrctl bench`: how many lines a second, and how long each takes."""

from __future__ import annotations

import json
import math
import os
import platform
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocr_client.cli.options import ConfigFile, TritonURL, configured
from ocr_evaluation.refusing import FAILED, refusing

if TYPE_CHECKING:
    from ocr_client.config import ClientConfig
    from ocr_rollout.core.routing import Arm

    from .figures import Level

CALLERS = (1, 2, 4, 8)
MOST_CALLERS, MOST_SECONDS = 64, 3_600.0


def bench(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Images of text lines.")],
    *,
    arm: Annotated[
        str | None,
        typer.Option(metavar="MODEL:VERSION", help="Stable of the configuration when left out."),
    ] = None,
    concurrency: Annotated[
        list[int] | None,
        typer.Option(
            min=1,
            max=MOST_CALLERS,
            help="Closed loop: so many callers, each asks again when answered; once for each load."
            " 1, 2, 4 and 8 when neither is given.",
        ),
    ] = None,
    rate: Annotated[
        list[float] | None,
        typer.Option(
            min=0.01,
            max=10_000,
            help="Open loop: so many requests a second, whether answered or not (Poisson); once for"
            " each load.",
        ),
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=0.5, max=MOST_SECONDS, help="Measured for each load.")
    ] = 10.0,
    settle: Annotated[
        float, typer.Option(min=0.0, max=600.0, help="Seconds of load before that, not counted.")
    ] = 2.0,
    seed: Annotated[int, typer.Option(min=0, help="Of the open loop's arrivals.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    config: ConfigFile = None,
    url: TritonURL = None,
) -> None:
    """Put load on one arm, and say how many lines a second it reads and how long each takes.

    No routing, no fallback, and nothing counts in a rollout. The load is real: on a server that
    people use, they will feel it.

    Example: ocrctl bench samples/*.png --concurrency 1 --concurrency 4 --rate 20

    Exit code 0: every request was answered; 1: some were not; 2: wrong usage; 130: interrupted (the
    loads that were measured are shown).
    """
    found: list[Level] = []
    loads = concurrency if concurrency or rate else CALLERS
    with refusing():
        settings = configured(config, url)
        asked = _arm(arm, settings)
        try:
            for level in _levels(
                paths, asked, settings, loads or (), rate or (), seconds, settle, seed
            ):
                found.append(level)
                if not as_json:
                    _say_progress(level)
        finally:  # also of a Ctrl-C: the loads that were measured
            if found:
                _tell(asked, len(paths), found, as_json=as_json)
    if any(level.failed or level.unsent for level in found):
        raise typer.Exit(FAILED)


def _arm(name: str | None, config: ClientConfig) -> Arm:
    """Raises BadArmError."""
    from ocr_client.request import parsed_arm  # noqa: PLC0415

    return parsed_arm(name) or config.model_routing.stable


def _levels(
    paths: Sequence[Path],
    arm: Arm,
    config: ClientConfig,
    loads: Sequence[int],
    rates: Sequence[float],
    seconds: float,
    settle_s: float,
    seed: int,
) -> Iterator[Level]:
    """Raises OCRError before any load where an image or the arm cannot be read."""
    from ocr_client.client import OCRClient  # noqa: PLC0415
    from ocr_evaluation.reading import measuring  # noqa: PLC0415

    from .bench import Bench  # noqa: PLC0415

    with OCRClient(measuring(config)) as client:
        client.check(arm, timeout_s=config.triton.deadline_s)
        for path in paths:  # a bad image is told now, by its name, and every one has been read once
            client.recognize(path, arm=arm)
        load = Bench(
            client, arm, [path.read_bytes() for path in paths], seconds=seconds, settle_s=settle_s
        )
        for callers in loads:
            yield load.closed(callers)
        for rate in rates:
            yield load.opened(rate, seed=seed)


def _tell(arm: Arm, images: int, found: Sequence[Level], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(_facts(arm, images, found)), flush=True)
    else:
        _show(arm, images, found)


def _facts(arm: Arm, images: int, found: Sequence[Level]) -> dict[str, Any]:
    return {
        "arm": str(arm),
        "images": images,
        "machine": {
            "cores": len(os.sched_getaffinity(0)),
            "load": round(os.getloadavg()[0], 2),
            "python": platform.python_version(),
            "system": platform.platform(),
        },
        "levels": [level.to_json() for level in found],
    }


def _say_progress(level: Level) -> None:
    if sys.stderr.isatty():
        print(f"{_name(level)}: {level.per_second:.1f} lines/s", file=sys.stderr)


def _show(arm: Arm, images: int, found: Sequence[Level]) -> None:
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from ocr_client.cli.table import print_table  # noqa: PLC0415

    table = Table(title=Text(f"{arm}, {images} images in turn"), title_justify="left")
    heads = "load,lines/s,p50,p90,p95,p99,longest,client,queue,compute,failed,unsent".split(",")
    for k, head in enumerate(heads):
        table.add_column(Text(head), justify="right" if k else "left")
    for level in found:
        server = level.server
        times = (level.p50_ms, level.p90_ms, level.p95_ms, level.p99_ms, level.longest_ms)
        parts = (server.queue_ms, server.compute_ms) if server else (None, None)
        table.add_row(
            _name(level),
            f"{level.per_second:.1f}",
            *map(_ms, (*times, level.client_ms, *parts)),
            str(level.failed),
            str(level.unsent),
        )
    print_table(table)
    print(
        "Milliseconds of answered requests, from when each was due. client, queue, compute: means;"
        " what passed\noutside Triton (decoding, preparing, HTTP, waiting to be sent), in its queue,"
        " and in the model."
    )
    for level in found:
        if level.errors:
            said = ", ".join(f"{count} {name}" for name, count in level.errors.items())
            print(f"ocrctl: {_name(level)}: {said}", file=sys.stderr)


def _name(level: Level) -> str:
    if level.loop == "closed":
        return f"{level.load:g} at a time"
    return f"{level.load:g} a second"


def _ms(value: float | None) -> str:
    return "-" if value is None or not math.isfinite(value) else f"{value:.1f}"
