"""Looks at processes from outside, by what /proc says."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path


def wait_until(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def commands() -> dict[int, list[str]]:
    """What each process was started with; the ended ones that still have a number have no words."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().decode(errors="replace")
            found[int(process.name)] = words.split("\0")
    return found


def stubs(triton_pid: int, model: str) -> list[int]:
    """The stub processes of one model of one server, by what they were started with."""
    return [
        pid
        for pid, words in commands().items()
        if words[0].endswith("triton_python_backend_stub")
        and str(triton_pid) in words
        and f"/{model}/" in words[1]
    ]


def open_files(pid: int) -> list[str]:
    """What its descriptors point to: a path, or `socket:[...]` and the like."""
    found = []
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append(str(descriptor.readlink()))
    return found
