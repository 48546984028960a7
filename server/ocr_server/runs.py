"""Run folders: one for each server that is up, and what a killed one leaves behind.

A run folder holds `lock`, `server.json` (who and where), the logs and the backend directory.
The supervisor and tritonserver hold `lock` for as long as they live, so a folder whose lock can
be had belongs to the dead, whatever process ids say.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from .places import state_dir

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # where Triton's Python backend puts its regions
LAST_FAILURE = "last-failure.log"


@dataclasses.dataclass(frozen=True)
class Running:
    """A server that is up.

    name: `up` for the one that `ocrctl server up` started, `embedded` for a program's own.
    *_url: `host:port`. started_at: seconds since 1970.
    """

    id: str
    name: str
    supervisor_pid: int
    triton_pid: int
    detached: bool
    repository: str
    models: tuple[str, ...]
    http_url: str
    grpc_url: str
    metrics_url: str
    control_key: str
    log: str
    started_at: float


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """A folder that this process holds."""

    path: Path
    lock_fd: int

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def shared_memory_prefix(self) -> str:
        return f"ocr-rollout-{self.id}-"

    def write(self, server: Running) -> None:
        """In place of what stood there."""
        temporary = self.path / "server.json.new"
        temporary.write_text(json.dumps(dataclasses.asdict(server), indent=1) + "\n")
        temporary.rename(self.path / "server.json")


def create() -> RunFolder:
    """A new folder, readable by this user alone (it holds the control key). Sweeps first."""
    with _all_runs() as home:
        _sweep(home)
        path = home / secrets.token_hex(4)
        path.mkdir(mode=0o700)
        lock_fd = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(lock_fd, fcntl.LOCK_EX)
        return RunFolder(path, lock_fd)


def remove(folder: RunFolder) -> None:
    """The folder and its shared memory, once tritonserver is gone."""
    _clean(folder.path)
    os.close(folder.lock_fd)


def clean_shared_memory(folder: RunFolder) -> None:
    """What a tritonserver that is gone has left there; the folder stays for the next one."""
    for region in SHARED_MEMORY.glob(f"{folder.shared_memory_prefix}*"):
        region.unlink(missing_ok=True)


def running(name: str | None = None) -> list[Running]:
    """Servers that are up now, the oldest first; only those called `name` when given."""
    found = []
    with _all_runs() as home:
        for path in home.iterdir():
            record = _read(path) if path.is_dir() and _is_held(path) else None
            if record is not None and name in (None, record.name):
                found.append(record)
    return sorted(found, key=lambda server: server.started_at)


def is_up(run_id: str) -> bool:
    with _all_runs() as home:
        return _is_held(home / run_id)


@contextlib.contextmanager
def _all_runs() -> Iterator[Path]:
    """The home of all run folders, with everybody else kept out."""
    home = state_dir() / "servers"
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (home.parent / "servers.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield home


def _is_held(path: Path) -> bool:
    try:
        lock_fd = os.open(path / "lock", os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock_fd)
    return False


def _sweep(home: Path) -> None:
    for path in home.iterdir():
        if path.is_dir() and not _is_held(path):
            _clean(path)


def _clean(path: Path) -> None:
    clean_shared_memory(RunFolder(path, -1))
    shutil.rmtree(path, ignore_errors=True)


def _read(path: Path) -> Running | None:
    """None while the server starts, and for what another version of this program wrote."""
    try:
        fields = json.loads((path / "server.json").read_text())
        return Running(**{**fields, "models": tuple(fields["models"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
