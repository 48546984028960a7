"""Fixtures of the client's tests."""

import pytest
from benchmarks.ports import free_port
from scripted import Scripted

from ocr_client.transport import TritonTransport


@pytest.fixture
def scripted():
    servers = []

    def start(*steps):
        servers.append(Scripted(*steps))
        return servers[-1], TritonTransport([servers[-1].url], connect_timeout_s=1)

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def closed_port():
    """HOST:PORT where nothing listens until the test does."""
    return f"127.0.0.1:{free_port()}"
