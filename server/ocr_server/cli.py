"""`ocrctl server up | down | status | run`."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from . import launcher, places, runs
from .errors import AlreadyRunningError, ServerError
from .plan import START_DEADLINE_S
from .ports import USUAL, Ports
from .triton_api import VersionState

URL_VARIABLE = "OCR_ROLLOUT_TRITON_URL"
INTERRUPTED = 130  # 128 + SIGINT, as shells report it
NAME = "up"  # of the one server per user that these verbs are about

app = typer.Typer(
    name="server",
    help="Start and stop a Triton on this machine (loopback only; for development and one host).",
    no_args_is_help=True,
    add_completion=False,
)
Port = typer.Option(min=0, max=65535, help="0: any free one. Default: the usual one, if free.")


@app.command()
def up(
    *,
    detach: Annotated[bool, typer.Option("--detach", help="Return when it is ready.")] = False,
    repository: Annotated[Path, typer.Option(help="Folder with the models.")] = Path(
        "model_repository"
    ),
    model: Annotated[
        list[str] | None, typer.Option(help="Start with this model only; may be repeated.")
    ] = None,
    http_port: Annotated[int | None, Port] = None,
    grpc_port: Annotated[int | None, Port] = None,
    metrics_port: Annotated[int | None, Port] = None,
    start_timeout: Annotated[
        float, typer.Option(min=1, help="Seconds that Triton may take to be ready.")
    ] = START_DEADLINE_S,
) -> None:
    """Start Triton with every model of the repository.

    Example: ocrctl server up --detach
    """
    wanted = Ports(http_port, grpc_port, metrics_port)
    with _errors():
        # Held while starting, so that two starts at once cannot both find nothing running.
        with _alone():
            refuse_second(runs.running(NAME))
            plan = launcher.make_plan(
                repository,
                models=model,
                ports=wanted,
                name=NAME,
                detach=detach,
                start_deadline_s=start_timeout,
            )
            process, server = launcher.start(plan)
        moved = http_port is None and not server.http_url.endswith(f":{USUAL[0]}")
        if detach:
            _print_up(server, moved=moved)
            return
        try:
            with contextlib.suppress(KeyboardInterrupt):
                signal.signal(signal.SIGTERM, signal.default_int_handler)
                _print_up(server, moved=moved)
                if process.wait():
                    raise ServerError(f"Triton ended by itself; its log: {_last_failure()}")
        finally:
            launcher.end(process)
        print("stopped")


@app.command()
def down() -> None:
    """Stop the Triton that `ocrctl server up` started.

    Example: ocrctl server down
    """
    with _errors():
        found = runs.running(NAME)
        if not found:
            raise ServerError("no Triton is running; start one with: ocrctl server up --detach")
        for server in found:
            launcher.stop(server)
            print(f"stopped the Triton at {server.http_url}")


@app.command()
def status(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False
) -> None:
    """Say where Triton runs and what it serves; exit 1 when none runs.

    Example: ocrctl server status --json
    """
    with _errors():
        found = runs.running(NAME)
        states = [launcher.model_states(server) for server in found]
        if as_json:
            print(json.dumps(_facts(found, states), ensure_ascii=False))
        elif not found:
            print("not running; start it with: ocrctl server up --detach", file=sys.stderr)
        for server, models in zip(found, states, strict=True):
            if not as_json:
                _print_status(server, models)
    if not found:
        raise typer.Exit(1)


@app.command(context_settings={"ignore_unknown_options": True})
def run(
    command: Annotated[list[str], typer.Argument(metavar="COMMAND", help="What to run.")],
    repository: Annotated[Path, typer.Option(help="Folder with the models.")] = Path(
        "model_repository"
    ),
) -> None:
    """Run a command beside a Triton that ends with it; the exit code is the command's.

    The command finds the server's address in OCR_ROLLOUT_TRITON_URL, as `ocrctl recognize` does.

    Example: ocrctl server run -- ocrctl recognize samples/*.png
    """
    with _errors():
        if shutil.which(command[0]) is None:
            raise ServerError(f"{command[0]}: no such command")
        with launcher.EmbeddedTriton(repository, progress=_say) as triton:
            _say(f"Triton is ready at {triton.http_url}; it ends with the command")
            surroundings = {**os.environ, URL_VARIABLE: triton.http_url}
            # An interrupt goes to the command, too: it says so itself, and then both end.
            with contextlib.suppress(KeyboardInterrupt):
                raise typer.Exit(subprocess.run(command, env=surroundings, check=False).returncode)
    raise typer.Exit(INTERRUPTED)


def refuse_second(found: list[runs.Running]) -> None:
    """Raises AlreadyRunningError that says where the first one is."""
    if found:
        server = found[0]
        raise AlreadyRunningError(
            f"already running at {server.http_url} (process {server.supervisor_pid}, "
            f"{server.repository}); stop it with: ocrctl server down"
        )


def _facts(found: list[runs.Running], states: list[list[VersionState]]) -> dict[str, object]:
    if not found:
        return {"running": False}
    server = dataclasses.asdict(found[0])
    del server["control_key"]  # facts are pasted into tickets
    models = [dataclasses.asdict(state) for state in states[0]]
    return {"running": True, **server, "models": models}


def _print_up(server: runs.Running, *, moved: bool) -> None:
    print(f"Triton is ready at {server.http_url}, serving {', '.join(server.models)}")
    print(f"  gRPC {server.grpc_url}, metrics http://{server.metrics_url}/metrics")
    if moved:
        print(
            f"  the usual ports were taken: set triton.urls to [{server.http_url!r}] in config.yaml"
        )
    if server.detached:
        print("  next: ocrctl recognize IMAGE, ocrctl server status, ocrctl server down")
    else:
        print("  next: ocrctl recognize IMAGE in another terminal; Ctrl+C stops it", flush=True)


def _print_status(server: runs.Running, models: list[VersionState]) -> None:
    minutes = (time.time() - server.started_at) / 60
    print(f"running at {server.http_url} for {minutes:.0f} min (process {server.supervisor_pid})")
    print(f"  gRPC {server.grpc_url}, metrics http://{server.metrics_url}/metrics")
    print(f"  repository {server.repository}")
    for entry in models:
        why = f" ({entry.reason})" if entry.reason else ""
        print(f"  {entry.model}:{entry.version or '-'} {entry.state}{why}")
    print(f"  log {server.log}")


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    folder = places.state_dir()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunningError(
                "another `ocrctl server up` is starting; wait for it, then: ocrctl server status"
            ) from None
        yield


@contextlib.contextmanager
def _errors() -> Iterator[None]:
    """A ServerError is one line on stderr and exit 1."""
    try:
        yield
    except ServerError as error:
        _fail(str(error))
    except PermissionError as error:
        _fail(
            f"{error.filename}: {error.strerror}; set {places.STATE_VARIABLE} to a folder of yours"
        )


def _fail(line: str) -> NoReturn:
    print(f"error: {line}", file=sys.stderr)
    raise typer.Exit(1)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _last_failure() -> Path:
    return places.state_dir() / runs.LAST_FAILURE
