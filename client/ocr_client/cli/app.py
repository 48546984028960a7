"""`ocrctl`: finds its verbs through the entry points `ocrctl.commands`, loads the one it needs.

Each package registers its own verbs, so this one imports none of them. A verb whose extra is
not installed is still listed, and says which extra it needs.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import inspect
import logging
import os
import sys
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar

import typer
from typer.core import TyperGroup

from ocr_client.fan_out import any_left

GROUP = "ocrctl.commands"
ROLLOUT_GROUP = "ocrctl.rollout"  # verbs of `ocrctl rollout` that packages above this one bring
INTERRUPTED = 130  # 128 + SIGINT, as shells report it
_NAME_ONLY: Any = None

# The first part of a module's name -> the extra that brings it.
EXTRAS: Mapping[str, str] = {
    "torch": "export",
    "onnx": "export",
    "onnxruntime": "export",
    "brotli": "training",
    "fontTools": "training",
    "jieba": "training",
    "grpc": "control",
    "matplotlib": "plot",
    "pypdfium2": "pages",
    "pyarrow": "parquet",
    "fastapi": "gateway",
    "uvicorn": "gateway",
    "prometheus_client": "gateway",
}


class LazyVerbs(TyperGroup):
    """A group whose commands are entry points, after those of its own."""

    group: ClassVar[str] = GROUP

    def list_commands(self, ctx: Any) -> list[str]:
        return list(dict.fromkeys([*super().list_commands(ctx), *sorted(found(self.group))]))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        own, verbs = super().get_command(ctx, cmd_name), found(self.group)
        if own is not None:
            return own
        entry = verbs.get(cmd_name)
        if entry is None:
            self.commands = {**dict.fromkeys(verbs, _NAME_ONLY), **self.commands}  # "did you mean"
            return None
        try:
            target = entry.load()
        except ModuleNotFoundError as error:
            target = _unavailable(lacking(cmd_name, error))
        command = _command(target, cmd_name)
        command.name = cmd_name
        return command


class RolloutVerbs(LazyVerbs):
    group = ROLLOUT_GROUP


app = typer.Typer(
    cls=LazyVerbs,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Replace one OCR model by a better one, without downtime. "
    "`ocrctl VERB --help` explains a verb.",
)


@app.callback()
def _root(
    *,
    version: Annotated[  # eager: it has ended the program
        bool,
        typer.Option(
            "--version",
            is_eager=True,
            callback=lambda wanted: _version() if wanted else None,
            help="Show the version and exit.",
        ),
    ] = False,
) -> None:
    """A callback makes Typer build a group, even with no command of its own."""


def _version() -> None:
    print(f"ocrctl {importlib.metadata.version('ocr-rollout')}")
    raise typer.Exit


def main() -> None:
    """Exit code 0: done; 1: failed; 2: wrong usage; 130: interrupted."""
    try:
        app()
    except KeyboardInterrupt:
        _leave(INTERRUPTED)
        sys.exit(INTERRUPTED)
    except SystemExit as end:
        if isinstance(end.code, int):
            _leave(end.code)
        raise
    except ModuleNotFoundError as error:
        verb = next((word for word in sys.argv[1:] if not word.startswith("-")), "this verb")
        sys.exit(f"ocrctl: {lacking(verb, error)}")


def _leave(code: int) -> None:
    """Ends the process where a thread still waits for a server, as after Ctrl-C.

    It is in native code, which must not meet an interpreter that is being taken apart.
    """
    if any_left():
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):  # whoever read it has gone
                stream.flush()
        os._exit(code)


def found(group: str = GROUP) -> dict[str, importlib.metadata.EntryPoint]:
    """Every verb that is installed, by name; where two packages claim one, the first."""
    verbs: dict[str, importlib.metadata.EntryPoint] = {}
    for entry in importlib.metadata.entry_points(group=group):
        verbs.setdefault(entry.name, entry)
    return verbs


def lacking(verb: str, error: ModuleNotFoundError) -> str:
    """One line: what to install, or which module is missing where no extra brings it."""
    extra = EXTRAS.get((error.name or "").partition(".")[0])
    if extra is None:
        return f"{verb} cannot be loaded: {error}; is this installation complete?"
    return f"{verb} needs the extra [{extra}]: pip install 'ocr-rollout[{extra}]'"


def _command(target: typer.Typer | Callable[..., Any], name: str) -> Any:
    """A command of a Typer app, or of a plain function."""
    if not isinstance(target, typer.Typer):
        function, target = target, typer.Typer(add_completion=False)
        target.command(name, help=inspect.getdoc(function))(function)
    return typer.main.get_command(target)


def _unavailable(reason: str) -> typer.Typer:
    """A verb that says why it is not there, whatever it is given."""
    stub = typer.Typer(add_completion=False)

    @stub.command(
        help=reason,
        short_help=reason,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )
    def say() -> None:
        typer.echo(f"ocrctl: {reason}", err=True)
        raise typer.Exit(1)

    return stub
