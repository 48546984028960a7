"""`ocrctl replay`: what a rollout would have said of these images."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ocr_client.cli.options import ConfigFile, TritonURL, configured
from ocr_evaluation.refusing import FAILED, INTERRUPTED, refusing

if TYPE_CHECKING:
    from ocr_client.config import ClientConfig
    from ocr_rollout.core.plan import Plan

    from .result import Replay

ROLLED_BACK, UNDECIDED = 3, 4


def replay(
    source: Annotated[
        str,
        typer.Argument(
            metavar="STORE|DIR",
            help="A rollout's store (URL or SQLite file) with review samples whose images were kept,"
            " or a folder of line images, with or without labels.tsv.",
        ),
    ],
    *,
    arm: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL:VERSION", help="The candidate; the configuration's when left out."
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(metavar="MODEL:VERSION", help="Stable; the configuration's when left out."),
    ] = None,
    journal: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keep what is read there, and go on from what it has. Without it a file in the"
            " state folder serves until the replay is done.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    config: ConfigFile = None,
    url: TritonURL = None,
) -> None:
    """Run stored images through a candidate at weight 0, and say what the rollout would have said.

    Both arms read every image; the configuration's plan and limits, the judge and the controller
    are the ones of the rollout. Nothing counts in the rollout that is live. What has been stopped
    goes on when it is started again.

    Example: ocrctl replay samples --arm crnn:3 --against convnext:3

    Exit code 0: nothing trips, and the images suffice to leave the first phase; 1: it could not be
    measured; 2: wrong usage; 3: the candidate would be taken back; 4: too few images, or stable
    fails too; 130: interrupted (what was read is shown, and kept).
    """
    with refusing():
        found = _run(source, arm, against, journal, configured(config, url))
        if as_json:
            print(json.dumps(found.to_json()), flush=True)
        else:
            from .screen import show  # noqa: PLC0415

            show(found)
    if code := exit_code(found):
        raise typer.Exit(code)


def exit_code(found: Replay) -> int:
    if found.seen.partial:
        return INTERRUPTED
    codes = {"PASS": 0, "FAIL": ROLLED_BACK, "INCONCLUSIVE": UNDECIDED, "ERROR": FAILED}
    return codes[found.status]


def plan_of(config: ClientConfig, arm: str | None, against: str | None) -> Plan:
    """The configured plan, or the default one, with these arms. Raises BadArmError."""
    from ocr_client.errors import BadArmError  # noqa: PLC0415
    from ocr_client.operations.setting import plan_to_try  # noqa: PLC0415
    from ocr_client.request import parsed_arm  # noqa: PLC0415
    from ocr_rollout.core.fields import FieldError  # noqa: PLC0415

    plan = plan_to_try(config)
    try:
        return dataclasses.replace(
            plan,
            stable=parsed_arm(against) or plan.stable,
            candidate=parsed_arm(arm) or plan.candidate,
        )
    except FieldError:
        raise BadArmError(
            f"{arm or plan.candidate} against itself says nothing; name another arm with --against"
        ) from None


def _run(
    where: str, arm: str | None, against: str | None, kept: Path | None, config: ClientConfig
) -> Replay:
    """Raises what `refusing` tells."""
    from .attempts import Reader  # noqa: PLC0415
    from .journal import Journal, usual_path  # noqa: PLC0415
    from .result import replayed  # noqa: PLC0415
    from .run import run  # noqa: PLC0415
    from .sources import opened  # noqa: PLC0415

    plan = plan_of(config, arm, against)
    threads = config.triton.concurrency
    with contextlib.closing(opened(where)) as source:
        path = kept or usual_path(where, plan.stable, plan.candidate)
        with Journal(path, plan.stable, plan.candidate) as journal:
            try:
                seen = run(
                    source,
                    journal,
                    lambda: Reader(config, plan.stable, plan.candidate),
                    threads=threads,
                )
            finally:
                if kept is None and not journal.readings:
                    journal.remove()
            at = dt.datetime.now(tz=dt.timezone.utc)
            found = replayed(source, seen, plan, threads=threads, at=at)
            if kept is None and not seen.partial:
                journal.remove()
    return found
