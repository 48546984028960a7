"""One tritonserver process: its command, its start, its end."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from .errors import ServerError
from .flags import EXIT_TIMEOUT_S, flags
from .leash import Leash
from .plan import Plan
from .ports import LOOPBACK, ChosenPorts
from .runs import RunFolder
from .server_log import PAUSED, PORT_TAKEN, one_line, telling_line
from .triton_api import TritonAPI, UnreachableError

BACKEND = Path(__file__).parent / "backends" / "onnxruntime"
# Grows when a batch needs more. The default of 1 MB would grow with the first batch of wide lines.
SHARED_MEMORY_BYTES = 4 << 20
PR_SET_PDEATHSIG = 1
# Triton's own default is 4 whatever the machine: as many stubs that import and warm up at once
# starve each other on two cores, which is no quicker and ends a start that `stalls` must not trust.
LOADING = min(4, len(os.sched_getaffinity(0)))
DEAD_STUB_S = 2.0


class PortTakenError(ServerError):
    """Somebody took the port between the choice and Triton's start; choose again."""


class StarvedError(ServerError):
    """A stub got no processor for so long, while it warmed up, that it ended itself; try again."""


class StoppedError(Exception):
    """Asked to stop while starting."""


class TritonProcess:
    """Owned by the supervisor. start() from its main thread only, before any other thread."""

    def __init__(self, plan: Plan, folder: RunFolder, ports: ChosenPorts, control_key: str) -> None:
        self._plan = plan
        self._folder = folder
        self._api = TritonAPI(f"{LOOPBACK}:{ports.http}", control_key)
        self.log = folder.path / "triton.log"
        self._command = [
            plan.tritonserver,
            *flags(
                repository=plan.repository,
                models=plan.models,
                control_key=control_key,
                http_port=ports.http,
                grpc_port=ports.grpc,
                metrics_port=ports.metrics,
            ),
            f"--model-load-thread-count={LOADING}",
            f"--backend-directory={folder.path / 'backends'}",
            f"--backend-config=python,shm-region-prefix-name={folder.shared_memory_prefix}",
            f"--backend-config=python,shm-default-byte-size={SHARED_MEMORY_BYTES}",
        ]
        self._process: subprocess.Popen[bytes] | None = None
        self._leash: Leash | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, stopping: Callable[[], bool]) -> None:
        """Returns when every listed model is ready. Raises ServerError with Triton's own reason.

        Raises PortTakenError when another program was quicker, StarvedError when the machine was
        too busy, StoppedError when `stopping()` turned true.
        """
        self._place_backends()
        libc, supervisor = ctypes.CDLL(None), os.getpid()

        def die_with_supervisor() -> None:
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != supervisor:  # it died before the line above
                os._exit(1)

        self._leash = Leash()
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder.path,
                env=self._plan.variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # stop() kills the group, stubs and all
                # The folder is held as long as Triton lives, and Triton as long as we do.
                pass_fds=[self._folder.lock_fd, self._leash.inherited],
                preexec_fn=die_with_supervisor,  # noqa: PLW1509  # one thread only, see above
            )
        self._leash.tie(self._process.pid)
        try:
            self._wait_until_live(stopping)
            self._check_models()
        except PortTakenError:
            raise
        except ServerError as error:
            if PAUSED in self.log_text():
                raise StarvedError(f"this machine was too busy to start it: {error}") from error
            raise

    def has_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def stop(self) -> None:
        """SIGTERM, the time Triton gives its last requests, then SIGKILL to the whole group."""
        if self._process is None:
            return
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(EXIT_TIMEOUT_S + 5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._leash is not None:
            self._leash.untie()
            self._leash = None

    def log_text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def _place_backends(self) -> None:
        """The backend of this program and, by a link, the Python backend it runs in."""
        backends = self._folder.path / "backends"
        if backends.exists():
            return  # a second try on other ports
        own = backends / "onnxruntime"
        own.mkdir(parents=True)
        for source in BACKEND.glob("[!_]*.py"):
            shutil.copy2(source, own)
        (backends / "python").symlink_to(self._plan.python_backend)

    def _wait_until_live(self, stopping: Callable[[], bool]) -> None:
        """Triton opens its ports once every model has loaded or failed."""
        deadline = time.monotonic() + self._plan.start_deadline_s
        dead_since: float | None = None
        while not self._api.live():
            if stopping():
                raise StoppedError
            if self.has_ended():
                text = self.log_text()
                kind = PortTakenError if PORT_TAKEN in text else ServerError
                raise kind(f"Triton ended while starting: {telling_line(text)}")
            # A stub that refused its model is gone in a moment; for one that died by itself
            # Triton waits for ever.
            dead_since = (dead_since or time.monotonic()) if _has_dead_child(self.pid) else None
            if dead_since is not None and time.monotonic() - dead_since > DEAD_STUB_S:
                raise ServerError(
                    f"Triton's Python backend did not start: {telling_line(self.log_text())}"
                )
            if time.monotonic() > deadline:
                raise ServerError(
                    f"Triton was not up after {self._plan.start_deadline_s:g} s: "
                    f"{telling_line(self.log_text())}"
                )
            time.sleep(0.05)
        if self.has_ended():  # what answered was another program's server
            raise PortTakenError(f"Triton ended while starting: {telling_line(self.log_text())}")

    def _check_models(self) -> None:
        try:
            entries = self._api.index()
        except UnreachableError as error:
            # Ours knows the key, so whoever refused it is not ours.
            raise PortTakenError(f"the server on the chosen port is not ours: {error}") from error
        for model in self._plan.models:
            versions = [entry for entry in entries if entry.model == model]
            broken = [entry for entry in versions if entry.state != "READY"]
            if broken or not versions:
                reason = one_line(broken[0].reason if broken else "") or telling_line(
                    self.log_text()
                )
                which = f"{model}:{broken[0].version}" if broken and broken[0].version else model
                raise ServerError(f"model {which} did not load: {reason}")


def _has_dead_child(pid: int) -> bool:
    """Whether a child of the process has ended and nobody asked for it yet."""
    try:
        children: list[str] = []
        for task in Path(f"/proc/{pid}/task").iterdir():
            children += (task / "children").read_text().split()
        states = [Path(f"/proc/{child}/stat").read_text().rpartition(")")[2] for child in children]
    except OSError:  # ended meanwhile
        return False
    return any(state.split()[0] == "Z" for state in states)
