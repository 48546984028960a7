"""Fixtures of the client's tests."""

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
