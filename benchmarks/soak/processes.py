"""Processes looked at from outside, by what /proc says."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


def memory(pid: int) -> int:
    """Resident bytes. Raises OSError for one that is gone."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE


def open_files(pid: int) -> int:
    """Raises OSError for one that is gone."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def stubs(triton_pid: int, model: str = "", version: int | None = None) -> list[int]:
    """The stub processes of one server; of one model, of one version."""
    wanted = "/" if not model else f"/{model}/" if version is None else f"/{model}/{version}/"
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            words = (process / "cmdline").read_bytes().decode().split("\0")
            is_stub = words[0].endswith("triton_python_backend_stub")
            if is_stub and str(triton_pid) in words[2:] and wanted in words[1]:
                found.append(int(process.name))
    return found


def children(pid: int) -> list[int]:
    """All below a process, at this moment."""
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in path.read_text().split():
                found += [int(child), *children(int(child))]
    return found


def send(pid: int, number: signal.Signals) -> bool:
    """False: it was gone."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def wait_for(there: Callable[[], bool], limit_s: float, every_s: float = 0.05) -> float | None:
    """Seconds until it was so; None: it was not within the limit."""
    start = time.monotonic()
    while not there():
        if time.monotonic() - start > limit_s:
            return None
        time.sleep(every_s)
    return time.monotonic() - start


def children_of_us() -> list[int]:
    return children(os.getpid())
