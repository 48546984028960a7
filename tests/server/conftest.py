"""Tiny graphs that answer at once, so that server tests do not wait for recognisers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tiny_models import write_model

from ocr_server import EmbeddedTriton, Ports

MakeServer = Callable[..., EmbeddedTriton]


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
