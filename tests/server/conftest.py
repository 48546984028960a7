"""Tiny graphs that answer at once, so that server tests do not wait for recognisers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tiny_models import write_model

from ocr_server import EmbeddedTriton, Ports

MakeServer = Callable[..., EmbeddedTriton]
PARENT = """
import sys, time
from ocr_server import EmbeddedTriton, Ports
with EmbeddedTriton(sys.argv[1], ports=Ports(0, 0, 0)) as server:
    print(server.server.supervisor_pid, server.server.triton_pid, flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="session")
def tiny_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`crnn` and `convnext`, each one version that echoes pixels as code points."""
    repository = tmp_path_factory.mktemp("tiny") / "models"
    write_model(repository, "crnn")
    write_model(repository, "convnext")
    return repository


@pytest.fixture(scope="session")
def tiny_server(tiny_repository: Path) -> Iterator[EmbeddedTriton]:
    """Shared by tests that change nothing."""
    with EmbeddedTriton(tiny_repository, ports=Ports(0, 0, 0)) as server:
        yield server


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of the test's own, so that it may look at everything in it."""
    folder = tmp_path / "state"
    monkeypatch.setenv("OCR_ROLLOUT_STATE", str(folder))
    return folder


@pytest.fixture
def parent(tiny_repository: Path, state: Path):
    """A program with a server of its own, in a process that may be killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT, tiny_repository], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    supervisor, triton = map(int, process.stdout.readline().split())
    yield process, supervisor, triton
    process.kill()
    process.wait()
    process.stdout.close()
