"""Server-sent events as an answer: it has no end of its own, so it sees to everybody's else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from .listeners import Listener, Listeners

ALIVE_S: Final = 10.0  # the longest silence, so that proxies and readers know it is alive
SEND_S: Final = 30.0  # for a reader to take one event; one that does not is left
RETRY_MS: Final = 2_000  # after which a reader connects again
_ALIVE: Final = b": alive\n\n"
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would keep events back until there are many
}


class EventStream(Response):
    """Ends when its reader goes, when the process is told to stop, or when nobody looks any more.

    last_id: of the last event that the reader has.
    """

    media_type = "text/event-stream"

    def __init__(self, listeners: Listeners, last_id: str | None, stopping: asyncio.Event) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self._listeners = listeners
        self._last_id = last_id
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # ASGI's signature
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        with self._listeners.listening(self._last_id) as listener:
            async with anyio.create_task_group() as group:

                async def end_after(wait: Callable[[], Awaitable[object]]) -> None:
                    await wait()
                    group.cancel_scope.cancel()

                group.start_soon(end_after, lambda: _gone(receive))
                group.start_soon(end_after, self._stopping.wait)
                await _feed(listener, send)
                group.cancel_scope.cancel()
        await _sent(send, b"", more=False)


async def _feed(listener: Listener, send: Send) -> None:
    """Until the listener is at its end or does not take what it is sent."""
    taken = await _sent(send, f"retry: {RETRY_MS}\n\n".encode())
    while taken and not listener.ended:
        content = _ALIVE
        with anyio.move_on_after(ALIVE_S):
            content = b"".join(event.encode() for event in await listener.take())
        taken = await _sent(send, content)


async def _sent(send: Send, content: bytes, *, more: bool = True) -> bool:
    """False where the reader does not take it."""
    with anyio.move_on_after(SEND_S):
        await send({"type": "http.response.body", "body": content, "more_body": more})
        return True
    return False


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
