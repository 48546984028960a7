"""Fixtures of the client's tests."""

import socket

import pytest
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
    """HOST:PORT where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"
