"""What the verbs of `ocrctl rollout` share on the command line, and how they say no."""

from __future__ import annotations

import contextlib
import getpass
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, NoReturn

import typer

from ocr_client.cli.options import ConfigSource
from ocr_client.operations.refused import RESERVED, RefusedError, one_line, person

FAILED = 1


def _checked(check: Callable[[str], str]) -> Callable[[str | None], str | None]:
    """As a callback of an option, which may be left out."""

    def callback(value: str | None) -> str | None:
        try:
            return value if value is None else check(value)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None

    return callback


_one_line, _person = _checked(one_line), _checked(person)

Config = ConfigSource
StoreURL = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URL",
        help="The store instead of the configuration's.",
    ),
]
By = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", callback=_person, help="Who does it, for the audit log; else the login."
    ),
]
Approver = Annotated[
    str | None,
    typer.Option(metavar="NAME", callback=_person, help="Who approves. Never taken for granted."),
]
Note = Annotated[
    str, typer.Option(metavar="TEXT", callback=_one_line, help="Why, for the audit log.")
]
Reason = Annotated[
    str, typer.Option(metavar="TEXT", callback=_one_line, help="Why, for the audit log.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def share_bp(text: str) -> int:
    """`0.2` or `20%` -> basis points."""
    from ocr_rollout.core.routing import RoutingError, basis_points  # noqa: PLC0415

    number = text.strip().removesuffix("%")
    try:
        value = float(number)
        return basis_points(value / 100 if number != text.strip() else value)
    except (RoutingError, ValueError):
        raise typer.BadParameter(
            f"{text!r} is not a share; write 0.2 or 20%, in steps of 0.01 %"
        ) from None


def login() -> str:
    """Empty where the system does not say: then a name has to be given."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user without an entry
        return ""
    return name if name.isprintable() and name not in RESERVED else ""


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """What goes wrong on purpose is one line on stderr and exit code 1."""
    # Imported here, so that `ocrctl --help` need not wait for them.
    from ocr_client.errors import OCRError  # noqa: PLC0415
    from ocr_rollout.core.counts import RecordError  # noqa: PLC0415
    from ocr_rollout.core.fields import FieldError  # noqa: PLC0415
    from ocr_rollout.core.state import StateError  # noqa: PLC0415
    from ocr_rollout.stores.errors import StoreError  # noqa: PLC0415

    try:
        yield
    except (RefusedError, OCRError, StoreError, StateError, RecordError, FieldError) as error:
        fail(str(error))


def fail(line: str) -> NoReturn:
    complain(line)
    raise typer.Exit(FAILED)


def complain(line: str) -> None:
    typer.echo(f"ocrctl: {line}", err=True)


def print_json(document: Mapping[str, Any]) -> None:
    """One object on one line. Never fails on a terminal that has no UTF-8: it is all ASCII."""
    print(json.dumps(document), flush=True)
