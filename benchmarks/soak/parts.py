"""What can be taken away in a soak: the network, a redis-server, a disk."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Final

from benchmarks.ports import free_port
from benchmarks.rollout_site import ROOT

DISK_BYTES: Final = 24 << 20


class Network:
    """A `proxy` process. url: where clients ask."""

    def __init__(self, target: str, seed: int) -> None:
        self.port = free_port()
        self.url = f"127.0.0.1:{self.port}"
        given = {"port": self.port, "target": _port(target), "seed": seed}
        self._lock = threading.Lock()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.soak.proxy", json.dumps(given)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        self.process.stdout.readline()

    def turn(self, mode: str) -> None:
        self._tell(f"mode {mode}")

    def lead_to(self, target: str) -> None:
        self._tell(f"target {_port(target)}")

    def _tell(self, line: str) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with self._lock:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            self.process.stdout.readline()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


class Redis:
    """A redis-server that keeps what it confirmed, as the documentation asks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        if self.alive:
            return
        options = f"--port {self._port} --bind 127.0.0.1 --appendonly yes --appendfsync always"
        with (self._folder.parent / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(
                ["redis-server", *options.split(), "--save", ""],
                cwd=self._folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


class Disk:
    """A small disk of its own where this user may mount one, else an ordinary folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        size = f"size={DISK_BYTES}"
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(path)],
            capture_output=True,
            check=False,
        )
        self.small = done.returncode == 0

    def fill(self) -> None:
        """To the last byte. Only a small one."""
        with (self.path / "filler").open("wb", buffering=0) as file:
            with contextlib.suppress(OSError):
                while file.write(bytes(1 << 16)):
                    pass
            with contextlib.suppress(OSError):
                while file.write(b"\0"):
                    pass

    def free(self) -> None:
        (self.path / "filler").unlink(missing_ok=True)

    def close(self) -> None:
        if self.small:
            subprocess.run(["umount", "-l", str(self.path)], capture_output=True, check=False)


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])
