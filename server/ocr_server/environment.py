"""The server's own Python environment: created once, reused, pinned with hashes.

Triton's Python backend needs numpy below 2; with an environment of its own the rest of the
product is free of that pin. The environment is keyed by the digest of the lock and the Python
minor version, built in a temporary folder and renamed, so that a half-made one is never used.
"""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from . import interpreters
from .errors import EnvironmentUnavailableError
from .places import cache_dir

LOCK = Path(__file__).with_name("requirements.lock")
LAYOUT = "1"  # raise when the folder's contents change for the same lock
GLIBC = (2, 35)

Progress = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class ServerEnvironment:
    """Paths inside one finished environment."""

    root: Path
    interpreter: interpreters.Interpreter

    @property
    def python(self) -> Path:
        return self.root / "bin" / "python"

    @property
    def packages(self) -> Path:
        return self.root / "lib" / f"python{self.interpreter.minor}" / "site-packages"

    @property
    def tritonserver(self) -> Path:
        return self.packages / "pytriton" / "tritonserver" / "bin" / "tritonserver"

    @property
    def python_backend(self) -> Path:
        """The Python backend with the stub of this interpreter's minor version in it."""
        return self.root / "triton-backends" / "python"

    def variables(self) -> dict[str, str]:
        """The whole environment of the server process: nothing of the caller's Python leaks in."""
        libraries = (self.packages / "nvidia_pytriton.libs", self.interpreter.library_dir)
        kept = ("HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")
        return {
            **{name: os.environ[name] for name in kept if name in os.environ},
            "PATH": f"{self.root / 'bin'}:/usr/local/bin:/usr/bin:/bin",
            "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
            "VIRTUAL_ENV": str(self.root),
            "PYTHONDONTWRITEBYTECODE": "1",
        }


def ensure(progress: Progress | None = None) -> ServerEnvironment:
    """The environment, made when it is not there. Raises EnvironmentUnavailableError in one line.

    progress: called with one line before each slow step; default writes to stderr.
    """
    say = progress or (lambda line: print(line, file=sys.stderr, flush=True))
    refuse_machine(platform.system(), platform.machine(), _glibc())
    interpreter = interpreters.find()
    home = cache_dir() / "server-env"
    root = home / key(LOCK.read_bytes(), interpreter.minor)
    found = ServerEnvironment(root, interpreter)
    if root.is_dir():
        return found
    home.mkdir(parents=True, exist_ok=True)
    with (home / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a second process waits here and finds it made
        if not root.is_dir():
            say(f"making the embedded server's Python environment (once, about 100 MB): {root}")
            _make(found, say)
    return found


def key(lock: bytes, minor: str) -> str:
    """Name of the environment's folder, e.g. `3.11-1f0c...`."""
    return f"{minor}-{hashlib.sha256(LAYOUT.encode() + lock).hexdigest()[:16]}"


def refuse_machine(system: str, machine: str, glibc: tuple[int, int] | None) -> None:
    """Raises EnvironmentUnavailableError where the tritonserver binary cannot run."""
    if system != "Linux" or machine != "x86_64":
        raise EnvironmentUnavailableError(
            f"the embedded Triton runs on Linux x86-64 only, this is {system} {machine}; "
            "use the container (docker compose up)"
        )
    if glibc is None or glibc < GLIBC:
        have = "another C library" if glibc is None else f"{glibc[0]}.{glibc[1]}"
        raise EnvironmentUnavailableError(
            f"the embedded Triton needs glibc {GLIBC[0]}.{GLIBC[1]} or newer, this machine has "
            f"{have}; use the container (docker compose up)"
        )


def _glibc() -> tuple[int, int] | None:
    try:
        text = os.confstr("CS_GNU_LIBC_VERSION")  # "glibc 2.36"
    except (ValueError, OSError):
        return None
    if not text or not text.startswith("glibc "):
        return None
    major, minor = text.split()[1].split(".")[:2]
    return int(major), int(minor)


def _make(wanted: ServerEnvironment, say: Progress) -> None:
    home = wanted.root.parent
    for old in home.glob(".making-*"):  # of a process that was killed; we hold the lock
        shutil.rmtree(old, ignore_errors=True)
    building = Path(tempfile.mkdtemp(prefix=".making-", dir=home))
    made = ServerEnvironment(building, wanted.interpreter)
    try:
        _step([str(wanted.interpreter.path), "-m", "venv", str(building)], "venv")
        say("installing tritonserver, onnxruntime, numpy and grpcio, checked against their hashes")
        pip = ["-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-input"]
        pins = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", str(LOCK)]
        _step([str(made.python), *pip, *pins], "pip")
        _place_backend(made)
        _step([str(made.python), "-c", "import grpc, numpy, onnxruntime"], "import")
        building.chmod(0o755)
        building.rename(wanted.root)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _place_backend(made: ServerEnvironment) -> None:
    """libtriton_python.so, its Python module and the right stub, side by side."""
    server = made.packages / "pytriton" / "tritonserver"
    target = made.python_backend
    target.mkdir(parents=True)
    for name in ("libtriton_python.so", "triton_python_backend_utils.py"):
        shutil.copy2(server / "backends" / "python" / name, target)
    stub = server / "python_backend_stubs" / made.interpreter.minor / "triton_python_backend_stub"
    (target / stub.name).write_bytes(stub.read_bytes())
    (target / stub.name).chmod(0o755)  # the wheel does not mark every stub executable


def _step(command: list[str], what: str) -> None:
    """Run one step; raises EnvironmentUnavailableError with its most telling line."""
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONHOME", "PYTHONPATH")}
    done = subprocess.run(command, capture_output=True, text=True, env=clean, check=False)
    if done.returncode:
        raise EnvironmentUnavailableError(explain(what, done.stdout + done.stderr))


def explain(what: str, output: str) -> str:
    """One line on why a step failed, out of everything it printed."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if line.lower().startswith("error")] or lines[-1:]
    reason = telling[0] if telling else "it printed nothing"
    low = output.lower()
    if what == "venv":
        return f"cannot make a virtual environment ({reason}); install python3-venv and try again"
    unreachable = (
        "temporary failure in name resolution",
        "newconnectionerror",
        "connection refused",
        "failed to establish",
        "read timed out",
        "connecttimeout",
        "proxyerror",
    )
    if any(word in low for word in unreachable):
        return (
            "cannot download the embedded server's packages: the Python package index is not "
            "reachable; check the network (or pip's index settings) and run the command again"
        )
    return f"cannot install the embedded server's packages: {reason}"
