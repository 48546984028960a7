"""Owns one tritonserver from its start to its end: `python -m ocr_server.supervise`.

The plan comes as JSON on stdin. One JSON line on stdout says `{"ready": {...}}` or
`{"failed": "..."}`; after that nobody needs to listen. The supervisor stops Triton when it is
told to (SIGTERM, SIGINT), when its parent is gone, or when Triton ends by itself, and it runs
the watchdog, so a detached server is looked after as well. Should the supervisor be killed, the
kernel kills Triton with it (parent-death signal), and the stubs notice within two seconds.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from . import ports, runs
from .errors import ServerError
from .flags import CONTROL_HEADER, GRPC_PREFIX
from .places import state_dir
from .plan import Plan
from .triton_api import TritonAPI
from .triton_process import PortTakenError, StoppedError, TritonProcess
from .watchdog import Watchdog

PORT_TRIES = 3
POLL_S = 0.2
GRPC_CONTROL = Path(__file__).with_name("grpc_control.py")


class Supervisor:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._stop = threading.Event()
        self._control_key = secrets.token_hex(16)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())

    def run(self) -> int:
        """Exit status: 0 after an ordinary end, 1 when Triton did not start or died."""
        try:
            folder = runs.create()
        except (OSError, ServerError) as error:
            _report("failed", str(error))
            return 1
        triton: TritonProcess | None = None
        try:
            _redirect(2, folder.path / "supervisor.log")
            triton, server = self._start(folder)
            folder.write(server)
            _report("ready", dataclasses.asdict(server))
            _redirect(1, Path(os.devnull))
            return self._watch(triton, server)
        except StoppedError:
            _report("failed", "stopped while starting")
            return 0
        except (OSError, ServerError) as error:
            kept = _keep_logs(folder)
            _report("failed", f"{error} (log: {kept})")
            return 1
        finally:
            if triton is not None:
                triton.stop()
            runs.remove(folder)

    def _must_stop(self) -> bool:
        parent = self._plan.parent_pid
        return self._stop.is_set() or (parent != 0 and os.getppid() != parent)

    def _start(self, folder: runs.RunFolder) -> tuple[TritonProcess, runs.Running]:
        for attempt in range(1, PORT_TRIES + 1):
            chosen = ports.choose(self._plan.ports)
            triton = TritonProcess(self._plan, folder, chosen, self._control_key)
            try:
                triton.start(self._must_stop)
            except BaseException as error:
                triton.stop()
                if isinstance(error, PortTakenError) and attempt < PORT_TRIES:
                    continue
                raise
            return triton, self._describe(folder, chosen, triton)
        raise AssertionError  # the last attempt returned or raised

    def _describe(
        self, folder: runs.RunFolder, chosen: ports.ChosenPorts, triton: TritonProcess
    ) -> runs.Running:
        return runs.Running(
            id=folder.id,
            name=self._plan.name,
            supervisor_pid=os.getpid(),
            triton_pid=triton.pid,
            detached=self._plan.parent_pid == 0,
            repository=self._plan.repository,
            models=self._plan.models,
            http_url=f"{ports.LOOPBACK}:{chosen.http}",
            grpc_url=f"{ports.LOOPBACK}:{chosen.grpc}",
            metrics_url=f"{ports.LOOPBACK}:{chosen.metrics}",
            control_key=self._control_key,
            log=str(triton.log),
            started_at=time.time(),
        )

    def _watch(self, triton: TritonProcess, server: runs.Running) -> int:
        # A probe may take long, and stopping must not wait for it: a thread of its own.
        threading.Thread(target=self._guard, args=[server], daemon=True).start()
        while not self._must_stop():
            if triton.has_ended():
                _keep_logs(runs.RunFolder(triton.log.parent, -1))
                _say("tritonserver ended by itself")
                return 1
            self._stop.wait(POLL_S)
        return 0

    def _guard(self, server: runs.Running) -> None:
        if self._plan.watchdog_interval_s <= 0:
            return
        watchdog = Watchdog(
            TritonAPI(server.http_url, server.control_key),
            Path(self._plan.repository),
            load=lambda model: self._control(server, "load", model),
            unload=lambda model: self._control(server, "unload", model),
            say=_say,
        )
        while not self._stop.wait(self._plan.watchdog_interval_s):
            _check(watchdog)

    def _control(self, server: runs.Running, verb: str, model: str) -> None:
        """Raises OSError or SubprocessError with Triton's reason."""
        header = GRPC_PREFIX + CONTROL_HEADER
        done = subprocess.run(
            [self._plan.python, str(GRPC_CONTROL), server.grpc_url, verb, model, header],
            input=server.control_key,
            env=self._plan.variables,
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
        if done.returncode:
            raise OSError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else verb)


def _check(watchdog: Watchdog) -> None:
    try:
        watchdog.check()
    except Exception as error:  # noqa: BLE001  # the watchdog must outlive whatever it meets
        _say(f"watchdog: {type(error).__name__}: {error}")


def _report(kind: str, value: object) -> None:
    with contextlib.suppress(OSError):  # whoever started us is gone
        print(json.dumps({kind: value}), flush=True)


def _say(line: str) -> None:
    print(time.strftime("%Y-%m-%d %H:%M:%S"), line, file=sys.stderr, flush=True)


def _redirect(descriptor: int, target: Path) -> None:
    opened = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(opened, descriptor)
    os.close(opened)


def _keep_logs(folder: runs.RunFolder) -> Path:
    """The folder goes away; Triton's log stays as the log of the last failure."""
    kept = state_dir() / runs.LAST_FAILURE
    log = folder.path / "triton.log"
    if log.exists():
        shutil.copy2(log, kept)
    return kept


def main() -> None:
    sys.exit(Supervisor(Plan.parse(sys.stdin.read())).run())


if __name__ == "__main__":
    main()
