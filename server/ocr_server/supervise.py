"""Owns one tritonserver from its start to its end: `python -m ocr_server.supervise`.

The plan comes as JSON on stdin. One JSON line on stdout says `{"ready": {...}}` or
`{"failed": "..."}`; after that nobody needs to listen. The supervisor stops Triton when it is
told to (SIGTERM, SIGINT) or when its parent is gone. It looks after the server, a detached one as
well: the watchdog finds dead stubs, and a Triton that ends by itself is started again where it was.
Should the supervisor be killed, the kernel kills Triton with it (parent-death signal) and the stubs
(`leash`).
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import functools
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from . import ports, runs, stubs
from .errors import ServerError
from .flags import CONTROL_HEADER, GRPC_PREFIX
from .places import state_dir
from .plan import Plan
from .triton_api import TritonAPI
from .triton_process import PortTakenError, StarvedError, StoppedError, TritonProcess
from .watchdog import Watchdog

START_TRIES = 3  # of what another moment may mend
POLL_S = 0.2
# So many new starts in that time; one that dies more often will not be mended by the next.
STARTS_AGAIN, WITHIN_S = 3, 60.0
GRPC_CONTROL = Path(__file__).with_name("grpc_control.py")


class Supervisor:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._stop = threading.Event()
        self._control_key = secrets.token_hex(16)
        self._triton: TritonProcess | None = None
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())

    def run(self) -> int:
        """Exit status: 0 after an ordinary end, 1 when Triton did not start or died."""
        try:
            folder = runs.create()
        except (OSError, ServerError) as error:
            _report("failed", str(error))
            return 1
        try:
            _redirect(2, folder.path / "supervisor.log")
            server = self._start(folder, lambda: ports.choose(self._plan.ports))
            _report("ready", dataclasses.asdict(server))
            _redirect(1, Path(os.devnull))
            return self._look_after(folder, server)
        except StoppedError:
            _report("failed", "stopped while starting")
            return 0
        except (OSError, ServerError) as error:
            kept = _keep_logs(folder)
            _report("failed", f"{error} (log: {kept})")
            return 1
        finally:
            if self._triton is not None:
                self._triton.stop()
            runs.remove(folder)

    def _must_stop(self) -> bool:
        parent = self._plan.parent_pid
        return self._stop.is_set() or (parent != 0 and os.getppid() != parent)

    def _start(
        self, folder: runs.RunFolder, choose: Callable[[], ports.ChosenPorts]
    ) -> runs.Running:
        for attempt in range(1, START_TRIES + 1):
            chosen = choose()
            try:
                return self._start_on(folder, chosen)
            except (PortTakenError, StarvedError) as error:
                if attempt == START_TRIES:
                    raise
                _say(f"{error}; it is tried again")
                runs.clean_shared_memory(folder)
        raise AssertionError  # the last attempt returned or raised

    def _start_on(self, folder: runs.RunFolder, chosen: ports.ChosenPorts) -> runs.Running:
        triton = TritonProcess(self._plan, folder, chosen, self._control_key)
        try:
            triton.start(self._must_stop)
        except BaseException:
            triton.stop()
            raise
        self._triton = triton
        server = self._describe(folder, chosen, triton)
        folder.write(server)
        return server

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

    def _look_after(self, folder: runs.RunFolder, server: runs.Running) -> int:
        """Until it is to stop, or Triton has died too often."""
        deaths: collections.deque[float] = collections.deque(maxlen=STARTS_AGAIN + 1)
        while self._ended(server):
            kept = _keep_logs(folder)
            deaths.append(time.monotonic())
            often = len(deaths) > STARTS_AGAIN and deaths[-1] - deaths[0] < WITHIN_S
            if often or self._plan.watchdog_interval_s <= 0:
                _say("tritonserver ended by itself")
                return 1
            _say(f"tritonserver ended by itself (log: {kept}); it is started again")
            self._triton = None
            runs.clean_shared_memory(folder)
            server = self._start(folder, functools.partial(_ports_of, server))
        return 0

    def _ended(self, server: runs.Running) -> bool:
        """Waits. True: Triton has, and nothing of it is left; False: this process is to."""
        assert self._triton is not None
        over = threading.Event()
        # A probe may take long, and stopping must not wait for it: a thread of its own.
        guard = threading.Thread(target=self._guard, args=[server, over], daemon=True)
        guard.start()
        while not self._must_stop():
            if self._triton.has_ended():
                over.set()
                self._triton.stop()  # its stubs; their connections end, and so does a probe
                guard.join()  # a process is forked only from a program with one thread
                return True
            self._stop.wait(POLL_S)
        return False

    def _guard(self, server: runs.Running, over: threading.Event) -> None:
        if self._plan.watchdog_interval_s <= 0:
            return
        watchdog = Watchdog(
            TritonAPI(server.http_url, server.control_key),
            Path(self._plan.repository),
            load=lambda model: self._control(server, "load", model),
            unload=lambda model: self._control(server, "unload", model),
            say=_say,
            alive=lambda: stubs.alive(server.triton_pid),
            over=over,
        )
        while not over.wait(self._plan.watchdog_interval_s):
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


def _ports_of(server: runs.Running) -> ports.ChosenPorts:
    urls = server.http_url, server.grpc_url, server.metrics_url
    return ports.ChosenPorts(*(int(url.rpartition(":")[2]) for url in urls))


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
