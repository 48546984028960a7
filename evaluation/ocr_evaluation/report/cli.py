"""`ocrctl rollout report`: everything that the people at the gate should know, in one file."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ocr_client.cli.app import INTERRUPTED
from ocr_client.cli.rollout.options import Config, StoreURL, complain, refusing

if TYPE_CHECKING:
    from .decision import Decision
    from .evidence import Evidence
    from .words import Words

FOLDER: Final = Path("rollout-report")
LANGUAGES: Final = ("en", "zh")


def _language(value: str) -> str:
    if value not in LANGUAGES:
        raise typer.BadParameter(f"{value!r} is not accepted; accepted: {', '.join(LANGUAGES)}")
    return value


def report(
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write report.html, report.md and report.json there; rollout-report when left out.",
        ),
    ] = None,
    ab: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Of `ocrctl ab-test --report DIR`, with both arms: shown, too."
        ),
    ] = None,
    disagreements: Annotated[
        int, typer.Option(min=0, max=100, help="How many; 0: no text and no picture of a user.")
    ] = 20,
    lang: Annotated[
        str, typer.Option(metavar="en|zh", callback=_language, help="Language of its sentences.")
    ] = "en",
    config: Config = None,
    store: StoreURL = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print report.json; files are written with --out only."),
    ] = False,
) -> None:
    """Write the report for the people at the gate: what is asked, and all that is known about it.

    report.html is one file that any browser opens and prints: no script,
    nothing from elsewhere, 2 MB at most with 20 disagreements. The store stays
    as it is. It needs the extra `plot`; --json alone does not.

    Example: ocrctl rollout report --out gate-2 --ab build/ab

    Exit code 0: written, whatever it recommends; 1: it could not be made, and
    files that were there are as they were; 2: wrong usage; 130: interrupted.
    """
    with refusing(), _writing():
        from ocr_client.operations import setting  # noqa: PLC0415

        from .decision import decide  # noqa: PLC0415
        from .document import document as composed  # noqa: PLC0415
        from .evidence import evidence  # noqa: PLC0415
        from .files import refuse_unwritable, write_together  # noqa: PLC0415
        from .html import page  # noqa: PLC0415
        from .markdown import markdown  # noqa: PLC0415
        from .words import Words  # noqa: PLC0415

        folder = out if as_json else out or FOLDER
        if folder is not None:  # before the work, not after it
            _needs_plot()
            refuse_unwritable(folder)
        there = setting.setting(config, store)
        found = evidence(there, time.time(), most=disagreements, ab=ab)
        decision, say = decide(found), Words(lang)
        document = to_dict(found, decision, say)
        files: list[Path] = []
        if folder is not None:
            written = composed(found, decision, say, _drawings(found, say))
            files = write_together(
                folder,
                {
                    "report.md": markdown(written),
                    "report.json": json.dumps(document, ensure_ascii=False, indent=1) + "\n",
                    "report.html": page(written),
                },
            )
        if as_json:
            print(json.dumps(document), flush=True)
        else:
            _tell(found, decision, say, files)


@contextmanager
def _writing() -> Iterator[None]:
    """What cannot be written, and a Ctrl-C, is one line on stderr and an exit code."""
    from ocr_client.operations.refused import RefusedError  # noqa: PLC0415

    try:
        yield
    except KeyboardInterrupt:
        complain("interrupted")
        raise typer.Exit(INTERRUPTED) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise RefusedError(f"--out: {error.filename or 'the report'}: {reason}") from None


def _drawings(found: Evidence, say: Words) -> dict[str, str]:
    from .plots import drawings  # noqa: PLC0415

    return drawings(found, say)


def _needs_plot() -> None:
    """Raises RefusedError."""
    from importlib.util import find_spec  # noqa: PLC0415

    from ocr_client.operations.refused import RefusedError  # noqa: PLC0415

    if find_spec("matplotlib") is None:
        raise RefusedError(
            "a report needs the extra [plot]: pip install 'ocr-rollout[plot]'; its figures alone "
            "do not: --json"
        )


def _tell(found: Evidence, decision: Decision, say: Words, files: Sequence[Path]) -> None:
    from .head import short  # noqa: PLC0415

    for line in short(found, decision, say):
        print(line)
    for file in files:
        print(f"written: {file}")


def to_dict(found: Evidence, decision: Decision, say: Words) -> dict[str, Any]:
    """report.json."""
    from .head import sentence  # noqa: PLC0415

    document = decision.to_dict()
    for point, said in zip(document["points"], decision.points, strict=True):
        point["said"] = sentence(said, say)
    return {"decision": document, **found.to_dict()}
