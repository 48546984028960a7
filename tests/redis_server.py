"""A redis-server of the tests, on loopback."""

from __future__ import annotations

import dataclasses
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import redis
from benchmarks.ports import free_port
from installed import program

INSTALL = "apt-get install -y redis-server"


def redis_program() -> str:
    """Path of redis-server. Fails the test, naming the command that installs it, without one."""
    return program("redis-server", install=INSTALL)


@dataclasses.dataclass
class RedisServer:
    """A redis-server of the tests, which keeps what it confirmed, as the documentation asks."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        options = f"--port {self.port} --bind 127.0.0.1 --appendonly yes --appendfsync always"
        with (self.folder / "redis.log").open("ab") as log:
            self.process = subprocess.Popen(
                [redis_program(), *options.split(), "--save", ""],
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )
        client = redis.Redis(port=self.port)
        deadline = time.monotonic() + 120
        while True:
            try:
                client.ping()
                break
            except redis.RedisError:
                assert self.process.poll() is None, (self.folder / "redis.log").read_text()
                assert time.monotonic() < deadline, "redis-server did not start in 120 s"
                time.sleep(0.01)
        client.close()

    def kill(self) -> None:
        """As a crash would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def new_redis(folder: Path) -> Iterator[RedisServer]:
    server = RedisServer(folder, free_port())
    try:
        server.start()
        yield server
    finally:
        server.kill()
