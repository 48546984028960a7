"""Starts and stops embedded servers: `EmbeddedTriton` for programs, `start` and `stop` for the CLI.

The server is tritonserver 2.51.0 (24.10) from nvidia-pytriton, which has known vulnerabilities
(fixed in 25.07). It listens on loopback only and must never be exposed.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import environment, runs
from .errors import ServerError
from .flags import CONTROL_HEADER, EXIT_TIMEOUT_S
from .places import safe_path
from .plan import START_DEADLINE_S, WATCHDOG_INTERVAL_S, Plan
from .ports import Ports
from .runs import Running
from .server_log import one_line
from .triton_api import TritonAPI, UnreachableError, VersionState

if TYPE_CHECKING:
    from typing_extensions import Self  # in typing itself from Python 3.11 on

STOP_DEADLINE_S = EXIT_TIMEOUT_S + 15


class EmbeddedTriton:
    """A real Triton for as long as the `with` block lasts.

        with EmbeddedTriton(Path("model_repository")) as triton:
            client = OCRClient(urls=[triton.http_url], ...)

    models: the start list; None: every model in the repository.
    ports: None: 8000, 8001, 8002, or free ones when one of them is taken.
    start_deadline_s: how long Triton may take to have every listed model ready.
    watchdog_interval_s: seconds between two checks for dead stub processes; 0: nobody looks after the
        server, and a Triton that dies is not started again either.

    The server ends with this process, however that ends.
    """

    def __init__(
        self,
        repository: Path | str,
        *,
        models: Sequence[str] | None = None,
        ports: Ports | None = None,
        start_deadline_s: float = START_DEADLINE_S,
        watchdog_interval_s: float = WATCHDOG_INTERVAL_S,
        progress: environment.Progress | None = None,
    ) -> None:
        self._repository = Path(repository)
        self._models = models
        self._ports = ports or Ports()
        self._start_deadline_s = start_deadline_s
        self._watchdog_interval_s = watchdog_interval_s
        self._progress = progress
        self._process: subprocess.Popen[str] | None = None
        self._server: Running | None = None

    def __enter__(self) -> Self:
        """Raises ServerError with Triton's own reason when it does not start."""
        plan = make_plan(
            self._repository,
            models=self._models,
            ports=self._ports,
            name="embedded",
            detach=False,
            start_deadline_s=self._start_deadline_s,
            watchdog_interval_s=self._watchdog_interval_s,
            progress=self._progress,
        )
        self._process, self._server = start(plan)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        process, self._process, self._server = self._process, None, None
        if process is not None:
            end(process)

    @property
    def server(self) -> Running:
        """Raises ServerError outside the `with` block."""
        if self._server is None:
            raise ServerError("the embedded Triton is not running; use it in a `with` block")
        return self._server

    @property
    def http_url(self) -> str:
        """`127.0.0.1:8000`, as `tritonclient.http` takes it."""
        return self.server.http_url

    @property
    def grpc_url(self) -> str:
        return self.server.grpc_url

    @property
    def metrics_url(self) -> str:
        """host:port; the metrics are at `http://<metrics_url>/metrics`."""
        return self.server.metrics_url

    @property
    def control_key(self) -> str:
        """Random for each start."""
        return self.server.control_key

    @property
    def control_header(self) -> dict[str, str]:
        """A fresh dict to send with calls of a control API over HTTP (`client.load_model`)."""
        return {CONTROL_HEADER: self.server.control_key}


def make_plan(
    repository: Path,
    *,
    models: Sequence[str] | None,
    ports: Ports,
    name: str,
    detach: bool,
    start_deadline_s: float = START_DEADLINE_S,
    watchdog_interval_s: float = WATCHDOG_INTERVAL_S,
    progress: environment.Progress | None = None,
) -> Plan:
    """Raises ServerError when the repository cannot be served, before anything is started."""
    root = safe_path(repository, "model repository")
    listed = start_list(root, models)
    own = environment.ensure(progress)
    return Plan(
        name=name,
        repository=str(root),
        models=listed,
        ports=ports,
        tritonserver=str(own.tritonserver),
        python=str(own.python),
        python_backend=str(own.python_backend),
        variables=own.variables(),
        parent_pid=0 if detach else os.getpid(),
        start_deadline_s=start_deadline_s,
        watchdog_interval_s=watchdog_interval_s,
    )


def start_list(repository: Path, models: Sequence[str] | None) -> tuple[str, ...]:
    """The models to start with. Raises ServerError naming one that the repository lacks."""
    if not repository.is_dir():
        raise ServerError(f"model repository {repository}: no such folder")
    there = tuple(sorted(path.parent.name for path in repository.glob("*/config.pbtxt")))
    if not there:
        raise ServerError(f"model repository {repository}: no model in it (no */config.pbtxt)")
    for model in models or ():
        if model not in there:
            raise ServerError(
                f"model {model!r} is not in {repository}; there are: {', '.join(there)}"
            )
    return there if models is None else tuple(models)


def start(plan: Plan) -> tuple[subprocess.Popen[str], Running]:
    """A supervisor and what it runs, once every model is ready. Raises ServerError otherwise."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ocr_server.supervise"],
        cwd=Path(__file__).parent.parent,  # so that `-m` finds this very package
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl+C is for the program; it stops its server itself
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(plan.dump())
        process.stdin.close()
        line = process.stdout.readline()
    except BaseException:
        end(process)
        raise
    answer: dict[str, Any] = (
        json.loads(line) if line else {"failed": "its supervisor died; see stderr"}
    )
    if "failed" in answer:
        process.wait(STOP_DEADLINE_S)
        process.stdout.close()
        raise ServerError(f"the embedded Triton did not start: {answer['failed']}")
    process.stdout.close()
    fields = answer["ready"]
    return process, Running(**{**fields, "models": tuple(fields["models"])})


def end(process: subprocess.Popen[str]) -> None:
    """Stop a supervisor of ours and wait until Triton is gone."""
    process.terminate()
    try:
        process.wait(STOP_DEADLINE_S)
    except subprocess.TimeoutExpired:
        process.kill()  # the kernel takes Triton down with it
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def stop(server: Running) -> None:
    """Stop a server that another process started. Raises ServerError when it stays."""
    number = signal.SIGTERM
    deadline = time.monotonic() + STOP_DEADLINE_S
    while runs.is_up(server.id):
        if _is_supervisor(server.supervisor_pid):
            os.kill(server.supervisor_pid, number)
        time.sleep(0.2)
        if time.monotonic() > deadline:
            if number == signal.SIGKILL:
                raise ServerError(f"process {server.supervisor_pid} does not end; see {server.log}")
            number, deadline = signal.SIGKILL, time.monotonic() + 5


def model_states(server: Running) -> list[VersionState]:
    """Every version in the server's repository; empty when the server does not answer."""
    try:
        entries = TritonAPI(server.http_url, server.control_key).index()
    except UnreachableError:
        return []
    return [
        dataclasses.replace(entry, reason=one_line(entry.reason) if entry.reason else "")
        for entry in entries
    ]


def _is_supervisor(pid: int) -> bool:
    """Whether that number still means a supervisor and not a later process."""
    try:
        return b"ocr_server.supervise" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
