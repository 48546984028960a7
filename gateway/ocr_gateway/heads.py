"""How much of a request's head is taken, and for how long: uvicorn itself has no limit for either.

A head is the request line with the headers. Before its end nobody knows which route it is for, so
a stranger could fill the memory with one, or hold thousands of connections open.
"""

from __future__ import annotations

import asyncio
import uuid
from typing import ClassVar, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .problems import Problem

MOST_BYTES: Final = 64 * 1024  # and what comes with the last of them; 256 kB at most

_TOO_LARGE: Final = Problem(
    431, "head-too-large", f"more than {MOST_BYTES:,} bytes of headers; send shorter ones"
)
_NOT_HTTP: Final = Problem(400, "bad-request", "this is not a request of HTTP/1.1")


class BoundedHeads(HttpToolsProtocol):
    """uvicorn's HTTP/1.1; a connection whose head is too large or too slow is closed.

    within_s: from the beginning of the connection, or a head's first byte, to its end.
    """

    within_s: ClassVar = 30.0

    _head_bytes = 0
    _in_head = True
    _too_late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > MOST_BYTES:
                self._refuse(_TOO_LARGE)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # uvicorn's words
        self._refuse(_NOT_HTTP)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes, self._in_head = 0, True
        self._wait()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._arrived()
        super().on_headers_complete()

    def _wait(self) -> None:
        self._arrived()
        self._too_late = self.loop.call_later(self.within_s, self.transport.close)

    def _arrived(self) -> None:
        if self._too_late is not None:
            self._too_late.cancel()
            self._too_late = None

    def _refuse(self, problem: Problem) -> None:
        if self.cycle is None or self.cycle.response_complete:  # else it would stand in an answer
            self.transport.write(_http(problem))
        self.transport.close()


def _http(problem: Problem) -> bytes:
    request_id = uuid.uuid4().hex
    answer = problem.response(request_id)
    answer.headers["X-Request-Id"] = request_id
    answer.headers["Connection"] = "close"
    lines = [b"%s: %s" % header for header in answer.raw_headers]
    status = f"HTTP/1.1 {problem.status} {problem.title}".encode()
    return b"\r\n".join([status, *lines, b"", bytes(answer.body)])
