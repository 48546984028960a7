"""`ocrctl ab-test`: two arms or more on the same labelled images."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ocr_client.cli.options import ConfigFile, TritonURL, configured

from .refusing import FAILED, INTERRUPTED, refusing

if TYPE_CHECKING:
    from ocr_client.config import ClientConfig

    from .ab_test import ABTest
    from .words import Wording

WORSE, UNDECIDED = 3, 4


def _share(value: float | None) -> float | None:
    if value is not None and not (math.isfinite(value) and 0 <= value <= 1):
        raise typer.BadParameter(f"{value:g} is not accepted; accepted: 0 to 1, such as 0.01")
    return value


def ab_test(
    dataset: Annotated[
        Path, typer.Argument(metavar="DATASET", help="A folder of line images with labels.tsv.")
    ],
    more: Annotated[
        list[str] | None, typer.Argument(metavar="ARM", help="Further arms, as --arms.")
    ] = None,
    *,
    arms: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL:VERSION",
            help="An arm; once for each. The first one is what the others are compared with;"
            " stable and candidate of the configuration when left out.",
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write report.json, report.md and readings.tsv there."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print report.json instead.")] = False,
    fail_if_worse: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            callback=_share,
            help="Exit code 3 where an arm's 1-CER is lower than the first one's by more than this.",
        ),
    ] = None,
    ignore_case: Annotated[
        list[str] | None,
        typer.Option(metavar="CATEGORY", help="Ignore case in this category, such as receipt."),
    ] = None,
    variants: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="JSON with an object `simplified`, traditional to simplified characters, for the"
            " second normalisation (`make fonts` brings one).",
        ),
    ] = None,
    repository: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Where the arms' models lie, to compare their alphabets."),
    ] = Path("model_repository"),
    config: ConfigFile = None,
    url: TritonURL = None,
) -> None:
    """Read labelled lines with two arms or more, and say which reads better, and how surely.

    labels.tsv names, with tabs between them, file, text, category and, where known, lang and slices
    (what was done to the image: `blur,dark`).

    Example: ocrctl ab-test samples --arms convnext:3 --arms crnn:3 --fail-if-worse 0.01

    Exit code 0: done, and no arm is worse than allowed; 1: something was not read, or nothing
    could be; 2: wrong usage; 3: an arm was measured worse than --fail-if-worse allows; 4: it was
    not, but at this number of lines it may be; 130: interrupted (what was read is shown).
    """
    with refusing():
        if report is not None:  # what cannot be written is known before an hour of reading
            report.mkdir(parents=True, exist_ok=True)
        test = _run(
            dataset,
            [*(arms or ()), *(more or ())],
            _wording(ignore_case or [], variants),
            configured(config, url),
            fail_if_worse,
        )
        test = _with_alphabets(test, repository)
        _tell(test, as_json=as_json)
        if report is not None:
            from .ab_report import write  # noqa: PLC0415

            write(test, report)
    if code := exit_code(test, fail_if_worse):
        raise typer.Exit(code)


def exit_code(test: ABTest, allowed: float | None) -> int:
    """An interruption first, then what is worst known: worse, not read, not decided."""
    statuses = {verdict.status for verdict in test.verdicts}
    if test.partial:
        return INTERRUPTED
    if allowed is not None and "FAIL" in statuses:
        return WORSE
    if not test.complete or "ERROR" in statuses:
        return FAILED
    return UNDECIDED if allowed is not None and "INCONCLUSIVE" in statuses else 0


def _run(
    where: Path, names: list[str], wording: Wording, config: ClientConfig, allowed: float | None
) -> ABTest:
    """Raises DatasetError, OCRError, or KeyboardInterrupt where nothing was read before it."""
    from ocr_client.client import OCRClient  # noqa: PLC0415

    from .labels import load  # noqa: PLC0415
    from .reading import chosen, measuring  # noqa: PLC0415
    from .run import run  # noqa: PLC0415

    arms = chosen(names, config)
    found = load(where)
    with OCRClient(measuring(config)) as client:
        for arm in arms:
            client.check(arm, timeout_s=config.triton.deadline_s)
        return run(client, found, arms, wording, allowed=allowed)


def _with_alphabets(test: ABTest, repository: Path) -> ABTest:
    from .alphabets import reaches  # noqa: PLC0415

    texts = [line.text for line in test.dataset.lines]
    return dataclasses.replace(test, reaches=reaches(test.arms, repository, texts))


def _wording(ignore_case: list[str], variants: Path | None) -> Wording:
    """Raises DatasetError, OSError."""
    from .words import Wording, table  # noqa: PLC0415

    known = table(variants.read_bytes(), str(variants)) if variants else {}
    return Wording(frozenset(ignore_case), known)


def _tell(test: ABTest, *, as_json: bool) -> None:
    """Figures on stdout; on stderr, one line each, what was left out and what failed."""
    from .layout import particulars  # noqa: PLC0415

    for line in particulars(test):
        print(f"ocrctl: {line}", file=sys.stderr)
    if as_json:
        print(json.dumps(test.to_json()), flush=True)
        return
    from .screen import show  # noqa: PLC0415

    show(test)
