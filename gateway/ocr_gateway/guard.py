"""ASGI middleware that refuses what comes by a strange name or from a strange page, unread."""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from .origins import foreign, known_host
from .problems import Problem
from .settings import ServiceSettings

_SHOWN: Final = 100  # characters of a header in an answer


class Guard:
    """Below `Frame`, which has given the request its id.

    origins: other pages that may post. hosts: names of this service, besides those it always has.
    """

    def __init__(self, app: ASGIApp, origins: tuple[str, ...], hosts: tuple[str, ...]) -> None:
        self._app = app
        self._origins = frozenset(origins)
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = self._problem(scope) if scope["type"] == "http" else None
        if problem is None:
            await self._app(scope, receive, send)
        else:
            scope["state"]["facts"]["problem"] = problem.kind
            await problem.response(scope["state"]["request_id"])(scope, receive, send)

    def _problem(self, scope: Scope) -> Problem | None:
        headers = Headers(scope=scope)
        if len(headers.getlist("host")) != 1:  # a proxy might go by the other one
            return Problem(400, "bad-request", "send one Host header, as HTTP/1.1 has it")
        host = headers["host"]
        if not known_host(host, self._hosts):
            return Problem(
                421,
                "unknown-host",
                f"this service is not called {host[:_SHOWN]!r}; if it is, name it in "
                "service.allowed_hosts",
            )
        if foreign(scope["method"], headers, self._origins):
            return Problem(
                403,
                "other-origin",
                f"a page of {headers.get('origin', 'another site')[:_SHOWN]!r} may not send this; "
                "if it may, name it in service.allowed_origins",
            )
        return None


def install(app: FastAPI, settings: ServiceSettings) -> None:
    """Before `Frame`, which has to be around it."""
    if settings.allowed_origins:
        app.add_middleware(
            CORSMiddleware,  # so that their pages can read what they are answered
            allow_origins=settings.allowed_origins,
            allow_methods=("GET", "POST"),
            allow_headers=("Authorization", "Content-Type", "X-Request-Id", "X-User-Id"),
            expose_headers=("X-Request-Id", "Retry-After"),
        )
    app.add_middleware(Guard, origins=settings.allowed_origins, hosts=settings.allowed_hosts)
