"""An empty store of every kind, for what people do with samples."""

import uuid

import pytest
from redis_server import new_redis

from ocr_rollout.stores import open_store


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory):
    """One for all tests: each takes a prefix of its own."""
    yield from new_redis(tmp_path_factory.mktemp("redis"))


@pytest.fixture(params=["memory", "sqlite", "redis"])
def store(request, tmp_path):
    url = "memory:"
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'rollout.db'}"
    elif request.param == "redis":
        server = request.getfixturevalue("redis_server")
        url = f"{server.url}?prefix={uuid.uuid4().hex}"
    opened = open_store(url)
    yield opened
    opened.close()
