"""What every request gets, whatever its route does: an id, limits, safe headers, one log line."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import re
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .bodies import Bodies, Body
from .problems import Problem, overloaded

log = logging.getLogger("ocr_gateway")

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
CLIENT_CLOSED: Final = 499  # in logs and figures only: nobody is there to be answered

SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # blob: pictures that the pages made themselves, of what the user dropped.
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob:; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'; object-src 'none'",
}


@dataclasses.dataclass(frozen=True)
class Served:
    """A request that is over.

    route: the path as it is declared, e.g. `/ocr`; empty where no route took it. path: as it was
    asked for, without its query. status: 499 where the caller went away first.
    ms: from its headers to the end of its answer. facts: what its route noted.
    """

    request_id: str
    method: str
    route: str
    path: str
    status: int
    ms: float
    facts: Mapping[str, Any]


Observer = Callable[[Served], None]


def note(request: Request, **facts: Any) -> None:
    """For the log line of this request. No texts, no user ids, nothing that came with it."""
    request.state.facts.update(facts)


class Frame:
    """ASGI middleware around everything else.

    observers: told of every request that is over; they must be quick and must not raise.
    """

    def __init__(self, app: ASGIApp, bodies: Bodies, observers: tuple[Observer, ...]) -> None:
        self._app = app
        self._bodies = bodies
        self._observers = observers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_s = time.perf_counter()
        headers = Headers(scope=scope)
        request_id = request_id_of(headers)
        facts: dict[str, Any] = {}
        scope.setdefault("state", {}).update(request_id=request_id, facts=facts)
        body = Body(self._bodies, headers, receive)
        answer = _Answer(send, request_id, body)
        status = 0
        try:
            await self._app(scope, body.receive, answer.send)
            status = answer.status
        except ClientDisconnect:
            status = CLIENT_CLOSED
        except asyncio.CancelledError:  # uvicorn ends, and waits no longer
            status = 503
            if not answer.status:
                problem = overloaded("this process is being stopped; try again", 1)
                facts["problem"] = problem.kind
                await problem.response(request_id)(scope, receive, answer.send)
        except Exception:
            log.exception("request %s failed", request_id, extra={"request_id": request_id})
            status = 500
            if answer.status:  # too late for another answer: the connection has to break
                raise
            problem = Problem(500, "internal", "something failed here that should not have")
            facts["problem"] = problem.kind
            await problem.response(request_id)(scope, body.receive, answer.send)
        finally:
            body.release()
            ms = (time.perf_counter() - started_s) * 1e3
            route = getattr(scope.get("route"), "path", "")
            served = Served(request_id, scope["method"], route, scope["path"], status, ms, facts)
            for observer in self._observers:
                observer(served)


class _Answer:
    """`send` with our headers, and with patience for callers that still send what was refused."""

    def __init__(self, send: Send, request_id: str, body: Body) -> None:
        self._send = send
        self._request_id = request_id
        self._body = body
        self._leaves_unread = False
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            await self._body.drop_small()
            self._leaves_unread = not self._body.complete
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self._request_id
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            if self._leaves_unread:
                headers["Connection"] = "close"
        elif self._leaves_unread and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._body.linger()
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)


def request_id_of(headers: Headers) -> str:
    """The caller's, where it is one that is safe anywhere; else a new one."""
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
