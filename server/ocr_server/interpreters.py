"""Finds a Python that Triton's Python backend can run in.

It needs a minor version below 3.13 (numpy below 2 has no build for later ones) and the shared
libpython, because the stub is a program that links to it.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from .errors import EnvironmentUnavailableError

MINORS = ("3.12", "3.11", "3.10")

# Printed by a candidate about itself. A Debian Python links libpython statically and has the
# shared one, if at all, where the loader looks anyway; so a plain load is tried as well.
_PROBE = """
import ctypes, json, os, sys, sysconfig
name = f"libpython{sys.version_info[0]}.{sys.version_info[1]}.so.1.0"
folders = [sysconfig.get_config_var("LIBDIR"), os.path.join(sys.base_prefix, "lib")]
folder = next((f for f in folders if f and os.path.exists(os.path.join(f, name))), None)
if folder is None:
    try:
        ctypes.CDLL(name)
        folder = ""
    except OSError:
        pass
base = getattr(sys, "_base_executable", None) or sys.executable
print(json.dumps(["%d.%d" % sys.version_info[:2], base, folder]))
"""


@dataclasses.dataclass(frozen=True)
class Interpreter:
    """minor: e.g. `3.11`. library_dir: where its libpython lies."""

    path: Path
    minor: str
    library_dir: Path


def find() -> Interpreter:
    """The first usable Python. Raises EnvironmentUnavailableError that says what was found instead."""
    return choose(_candidates())


def choose(candidates: Iterable[Path]) -> Interpreter:
    """The first candidate that fits. Raises EnvironmentUnavailableError when none does."""
    without_library: list[str] = []
    for path in candidates:
        answer = _ask(path)
        if answer is None:
            continue
        minor, base, folder = answer
        if minor not in MINORS:
            continue
        if folder is None:
            without_library.append(minor)
            continue
        return Interpreter(Path(base), minor, Path(folder or "/usr/lib"))
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if without_library:
        minor = without_library[0]
        raise EnvironmentUnavailableError(
            f"Python {minor} is here but its shared library libpython{minor}.so.1.0 is not, and "
            f"the embedded Triton needs it; install it (Debian: apt-get install libpython{minor})"
        )
    raise EnvironmentUnavailableError(
        "the embedded Triton needs Python 3.10, 3.11 or 3.12 (numpy below 2); this is Python "
        f"{here} and none of them was found on PATH or in pyenv; install one, or use the "
        "container (docker compose up)"
    )


def _candidates() -> Iterator[Path]:
    """The running Python first, then PATH, then pyenv; each without asking whether it fits."""
    yield Path(sys.executable)
    for minor in MINORS:
        if on_path := shutil.which(f"python{minor}"):
            yield Path(on_path)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for minor in MINORS:
        yield from sorted(pyenv.glob(f"{minor}.*/bin/python{minor}"), reverse=True)


def _ask(path: Path) -> tuple[str, str, str | None] | None:
    """(minor, base executable, folder of libpython); None when it does not run.

    A pyenv shim on PATH runs only for versions that are switched on, so failing is normal.
    """
    try:
        done = subprocess.run(
            [str(path), "-I", "-c", _PROBE], capture_output=True, text=True, timeout=20, check=True
        )
        minor, base, folder = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return str(minor), str(base), folder
