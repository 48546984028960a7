"""The service over real HTTP, in a thread of the test, and somebody who calls it."""

import contextlib
import json
import threading
import time
from pathlib import Path

import httpx
import uvicorn

from ocr_client import OCRClient
from ocr_gateway import tokens
from ocr_gateway.app import create_app
from ocr_gateway.service import Service
from ocr_gateway.settings import SECTION, ServiceSettings


class Caller(httpx.Client):
    """With a token, unless it is None. Errors of the service are answers, not exceptions."""

    def __init__(self, url, token):
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        super().__init__(base_url=url, headers=headers, timeout=60)

    def order(self, verb, **body):
        return self.post(f"/api/rollout/{verb}", json=body)

    def done(self, verb, **body):
        """What an order that was carried out answers."""
        answer = self.order(verb, **body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    @contextlib.contextmanager
    def events(self, last_id=None):
        """Yields an iterator of (name, document, id)."""
        headers = {} if last_id is None else {"Last-Event-ID": last_id}
        with self.stream("GET", "/api/events", headers=headers) as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            yield parsed(answer.iter_lines())


def parsed(lines):
    """Lines of server-sent events -> (name, document, id)."""
    fields = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            yield fields["event"], json.loads(fields["data"]), fields["id"]
            fields = {}


class Running:
    """url, service: of the one that runs. admin: its token."""

    def __init__(self, url, service, server):
        self.url = url
        self.service = service
        self.server = server
        loaded = tokens.load(service.settings)
        self.admin = loaded.admin.path.read_text().strip()
        self.reviewer = loaded.reviewer and loaded.reviewer.path.read_text().strip()

    def caller(self, token="admin"):
        return Caller(self.url, {"admin": self.admin, "reviewer": self.reviewer}.get(token, token))


@contextlib.contextmanager
def serving(config: Path):
    """A service of the configuration in a file."""
    client = OCRClient.from_config(config)
    settings = client.config.sections.records.get(SECTION, ServiceSettings())
    service = Service.over(client, settings)
    server = uvicorn.Server(
        uvicorn.Config(create_app(service), port=0, log_config=None, timeout_graceful_shutdown=5)
    )
    thread = threading.Thread(target=server.run, name="service")
    thread.start()
    try:
        deadline = time.monotonic() + 60
        while not server.started:
            assert thread.is_alive()
            assert time.monotonic() < deadline
            time.sleep(0.005)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Running(f"http://127.0.0.1:{port}", service, server)
    finally:
        server.should_exit = True
        thread.join(60)
        assert not thread.is_alive(), "the service did not end"


def is_problem(answer, status, kind):
    """A problem document of this kind; its detail."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["type"] == f"urn:ocr-rollout:problem:{kind}", document
    assert (document["status"], document["success"]) == (status, False)
    assert "\n" not in document["detail"]
    return document["detail"]
