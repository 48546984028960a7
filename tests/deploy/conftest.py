"""What the tests of deployments share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import image_steps
import pytest
from redis_server import new_redis


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """/opt/ocr of the service's image."""
    root = tmp_path_factory.mktemp("opt") / "ocr"
    image_steps.install(tmp_path_factory.mktemp("source"), root)
    return root


@pytest.fixture
def store(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "redis"
    folder.mkdir()
    for server in new_redis(folder):
        yield server.url
