"""How much of a request's body is taken, for how long, and of all bodies together."""

from __future__ import annotations

import contextlib
import time
from http import HTTPStatus
from typing import Final

import anyio
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from .problems import Problem, overloaded

LINGER_S: Final = 2.0  # for a caller to stop sending what was refused, and read why
SMALL: Final = 64 * 1024
RETRY_S: Final = 2


class Bodies:
    """Of one process. Times in seconds, sizes in bytes.

    most_bytes: of one body. most_held: of all that are under way. most_s: from the first look at
    a body to its end, however little comes at a time.
    """

    def __init__(self, most_bytes: int, most_held: int, most_s: float) -> None:
        self.most_bytes = most_bytes
        self.most_held = most_held
        self.most_s = most_s
        self.held = 0


class Body:
    """One request's `receive`: counts what comes, and refuses too much of it while it comes."""

    def __init__(self, bodies: Bodies, headers: Headers, receive: Receive) -> None:
        self._bodies = bodies
        self._receive = receive
        self._taken = 0
        self._end_s: float | None = None
        self.announced = _announced(headers)
        self.complete = self.announced == 0

    async def receive(self) -> Message:
        """Raises Problem 408, 413 or 503, and ClientDisconnect where the caller went away."""
        if self.complete:
            return await self._receive()
        bodies = self._bodies
        if (self.announced or 0) > bodies.most_bytes:
            raise self._too_large()
        if self._end_s is None:
            self._end_s = time.monotonic() + bodies.most_s
        message = await self._in_time(self._end_s - time.monotonic())
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        size = len(message.get("body", b""))
        self._taken += size
        bodies.held += size
        if self._taken > bodies.most_bytes:
            raise self._too_large()
        if bodies.held > bodies.most_held:
            raise overloaded("too much is being sent at this moment; try again", RETRY_S)
        self.complete = not message.get("more_body", False)
        return message

    def release(self) -> None:
        """The request is over: what was held of it is held no longer."""
        self._bodies.held -= self._taken
        self._taken = 0

    async def drop_small(self) -> None:
        """Never raises. What was not read of a small body, so that the connection may be kept."""
        if not self.complete and self.announced is not None and self.announced <= SMALL:
            await self.linger()

    async def linger(self) -> None:
        """Never raises. Lets the caller send on for a moment, and drops it.

        Closing at once would make many of them lose the answer: what they still send would be met
        by a reset.
        """
        with anyio.move_on_after(LINGER_S), contextlib.suppress(Exception):
            while not self.complete:
                message = await self._receive()
                self.complete = not message.get("more_body", False)

    async def _in_time(self, left_s: float) -> Message:
        with anyio.move_on_after(left_s):
            return await self._receive()
        raise Problem(
            HTTPStatus.REQUEST_TIMEOUT,
            "body-timeout",
            f"the body did not arrive within {self._bodies.most_s:g} s",
        )

    def _too_large(self) -> Problem:
        return Problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "body-too-large",
            f"more than {self._bodies.most_bytes:,} bytes; send a smaller image, or fewer",
        )


def _announced(headers: Headers) -> int | None:
    """Bytes that are to come; None: nobody knows yet (chunked)."""
    if "transfer-encoding" in headers:
        return None
    length = headers.get("content-length", "0")
    # The HTTP parser has refused what is no number.
    return int(length) if length.isascii() and length.isdigit() else None
