"""Receivers of notifications: real HTTP servers that answer as they are told, and what they got."""

import contextlib
import dataclasses
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ocr_client.settings import Target
from ocr_rollout.core.notices import Notice
from ocr_rollout.core.state import AuditEntry


@dataclasses.dataclass(frozen=True)
class Say:
    """One answer."""

    status: int = 200
    body: bytes = b""
    headers: dict = dataclasses.field(default_factory=dict)


HANG, CLOSE = "hang", "close"


@dataclasses.dataclass(frozen=True)
class Got:
    """One request. at_s: on a monotonic clock."""

    path: str
    headers: dict
    body: bytes
    at_s: float
    unix_s: float

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def id(self):
        return self.headers.get("webhook-id")


class Receiver:
    """Answers with the steps in turn, then with the last one for ever. A step may be a callable."""

    def __init__(self, *steps):
        self.steps = list(steps or [Say()])
        self.got = []
        self._lock = threading.Lock()
        self._ended = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                receiver._serve(self)

            def do_GET(self):
                receiver._serve(self)  # a redirect that was followed

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/hooks/T0K3N-in-the-path?access_token=T0K3N-in-query"

    @property
    def ids(self):
        return [got.id for got in self.got]

    @property
    def events(self):
        return [got.json["event"] for got in self.got]

    def close(self):
        self._ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _serve(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        got = Got(handler.path, dict(handler.headers.items()), body, time.monotonic(), time.time())
        with self._lock:
            self.got.append(got)
            step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if callable(step):
            step = step(got)
        handler.close_connection = True
        if step == HANG:
            self._ended.wait(60)
        if step in (HANG, CLOSE):
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        handler.send_response(step.status)
        for name, value in {"Content-Length": str(len(step.body)), **step.headers}.items():
            handler.send_header(name, value)
        with contextlib.suppress(OSError):  # who asked has gone, or was killed
            handler.end_headers()
            handler.wfile.write(step.body)


SECRETS = ("T0K3N", "S3CR3T")
ENTRY = AuditEntry(
    at_s=1_790_000_040.0,
    who="judge",
    action="rollback",
    why="early: 9 of 20 failed",
    generation=7,
    rollout_id="crnn-1",
    candidate="crnn:2",
    from_status="running",
    to_status="rolled_back",
    from_phase=1,
    to_phase=1,
    from_weight_bp=3_000,
    to_weight_bp=0,
    rule="early",
    observed=20.5,
    limit=0.05,
    samples=20,
)


def notice(event="rollback", target="ops", **changes):
    return Notice(target, event, "convnext:2", dataclasses.replace(ENTRY, **changes))


def target(url, kind="webhook", name="ops", **rest):
    return Target(name=name, kind=kind, url=url, **rest)
