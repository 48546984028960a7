"""Redis as both deployments start it, on a real redis-server."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import deployed
import pytest
import redis
from benchmarks.ports import free_port
from redis_server import redis_program

COMPOSED = deployed.composed()["services"]["redis"]
PASSWORD = deployed.key("OCR_REDIS_PASSWORD")


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """The command of docker-compose.yml in a folder of its own, on a free port of loopback."""
    number = free_port()
    command = [redis_program(), *COMPOSED["command"][1:]]
    process = subprocess.Popen(
        [*command, "--port", str(number), "--bind", "127.0.0.1"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while not _answers(number):
        assert process.poll() is None, "redis-server refuses the command"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield number
    process.kill()
    process.wait()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended
        return b""


def _answers(port: int) -> bool:
    """It listens before that, and before it has hidden its password."""
    with contextlib.closing(redis.Redis(port=port, password=PASSWORD)) as client:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False


def test_it_keeps_what_it_confirmed_and_refuses_when_full(port: int) -> None:
    client = redis.Redis(port=port, password=PASSWORD)
    expected = {
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",
        "maxmemory": str(256 << 20),
        "maxmemory-policy": "noeviction",
    }
    assert {name: client.config_get(name)[name] for name in expected} == expected
    client.close()


def test_its_health_check_says_yes_and_no(port: int) -> None:
    """No: without the password, which is an error reply, and where nobody listens."""
    command = [*COMPOSED["healthcheck"]["test"][1:]]
    assert shutil.which(command[0])

    def healthy(where: int, **variables: str) -> bool:
        done = subprocess.run(
            [command[0], "-p", str(where), *command[1:]],
            env={"PATH": os.environ["PATH"], **variables},
            capture_output=True,
            check=False,
        )
        return done.returncode == 0

    own = COMPOSED["environment"]
    assert own == {"REDISCLI_AUTH": PASSWORD}
    assert healthy(port, **own)
    assert not healthy(port)
    assert not healthy(1, **own)


def test_its_password_is_not_in_the_process_list(port: int) -> None:
    """It is given on the command line, which redis-server writes over before it answers."""
    found = [_read(path) for path in Path("/proc").glob("[0-9]*/cmdline")]
    commands = [one for one in found if b"redis-server" in one and b":%d" % port in one]
    assert commands, "it does not show its port as it does"
    assert not any(PASSWORD.encode() in command for command in commands)


def test_kubernetes_starts_it_alike() -> None:
    (container,) = deployed.pod_of(deployed.one(deployed.built("base"), "StatefulSet", "redis"))[
        "containers"
    ]
    assert container["image"] == COMPOSED["image"]
    assert container["args"] == [
        "$(REDISCLI_AUTH)" if word == PASSWORD else word for word in COMPOSED["command"]
    ]
    assert container["readinessProbe"]["exec"]["command"] == COMPOSED["healthcheck"]["test"][1:]
