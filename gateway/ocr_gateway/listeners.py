"""Those who listen to the rollout, and the one thread that looks for all of them.

It runs while somebody listens. Everything that happens to a `Listeners` happens in its event loop;
the thread only hands over what it found.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import json
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from ocr_client.operations.curves import HOUR_S, CurveReader
from ocr_client.operations.setting import Setting
from ocr_client.operations.watching import TROUBLE, Asking, each
from ocr_client.settings import TritonSettings

from .desk import problem_of
from .problems import Problem

MOST: Final = 64  # of one process
SERIES_S: Final = 4.0  # at least between two sendings of the same rollout's curves
RETRY_S: Final = 5

log = logging.getLogger("ocr_gateway")

Tell = Callable[[str, Mapping[str, Any]], None]  # the name of an event, and its document


@dataclasses.dataclass(frozen=True)
class Event:
    """id: another one for everything that is sent by any process. data: JSON on one line."""

    id: str
    name: str
    data: str

    @property
    def kind(self) -> str:
        """Of one kind only the newest counts: trouble stands in for a status."""
        return "status" if self.name == "trouble" else self.name

    def encode(self) -> bytes:
        return f"id: {self.id}\nevent: {self.name}\ndata: {self.data}\n\n".encode()


class Listener:
    """What one of them has not been sent yet: the newest of each kind, so it never piles up."""

    def __init__(self) -> None:
        self._waiting: dict[str, Event] = {}
        self._news = asyncio.Event()
        self.ended = False

    def put(self, event: Event) -> None:
        self._waiting[event.kind] = event
        self._news.set()

    def end(self) -> None:
        self.ended = True
        self._news.set()

    async def take(self) -> tuple[Event, ...]:
        """Waits until there is something; empty at the end."""
        await self._news.wait()
        self._news.clear()
        found, self._waiting = tuple(self._waiting.values()), {}
        return found


class Listeners:
    """Of one process, for one event loop.

    setting, triton: of the configuration there is now; asked in the thread.
    """

    def __init__(
        self, setting: Callable[[], Setting], triton: Callable[[], TritonSettings]
    ) -> None:
        self._setting = setting
        self._triton = triton
        self._all: set[Listener] = set()
        self._newest: dict[str, Event] = {}
        self._ended = threading.Event()  # of the thread that looks now
        self._ended.set()
        self._boot = secrets.token_hex(4)
        self._numbers = itertools.count(1)

    def refuse_when_full(self) -> None:
        """Raises Problem."""
        if len(self._all) >= MOST:
            raise Problem(
                503,
                "too-many-listeners",
                f"{MOST} are listening already; ask GET /api/rollout instead",
                {"Retry-After": str(RETRY_S)},
            )

    @contextlib.contextmanager
    def listening(self, last_id: str | None) -> Iterator[Listener]:
        """last_id: of the last event that the caller has; what it has is not sent again."""
        listener = Listener()
        for event in self._newest.values():
            if event.id != last_id:
                listener.put(event)
        self._all.add(listener)
        if self._ended.is_set():
            self._begin()
        try:
            yield listener
        finally:
            self._all.discard(listener)
            if not self._all:
                self._end()

    def _begin(self) -> None:
        self._ended = threading.Event()
        loop = asyncio.get_running_loop()
        threading.Thread(
            target=self._look, args=(self._ended, loop), name="rollout-look", daemon=True
        ).start()

    def _end(self) -> None:
        self._ended.set()
        self._newest.clear()

    def _look(self, ended: threading.Event, loop: asyncio.AbstractEventLoop) -> None:
        """The thread. It ends within some 2 s of `ended`."""

        def tell(name: str, document: Mapping[str, Any]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is there
                event = Event(f"{self._boot}-{next(self._numbers)}", name, json.dumps(document))
                loop.call_soon_threadsafe(self._spread, ended, event)

        def trouble(error: Exception) -> None:
            tell("trouble", problem_of(error).document(""))

        try:
            with Asking(self._triton) as server:
                reader = CurveReader()
                shown: tuple[int, float] | None = None  # generation and monotonic time
                for found in each(self._setting, server.facts, trouble, ended):
                    tell("status", {"success": True, **found.to_dict()})
                    generation, now_s = found.state.generation, time.monotonic()
                    if shown is None or shown[0] != generation or now_s > shown[1] + SERIES_S:
                        shown = generation, now_s
                        self._tell_curves(reader, tell, trouble)
        except Exception:
            log.exception("looking at the rollout ended; who listens has to connect again")
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._give_up, ended)

    def _tell_curves(
        self, reader: CurveReader, tell: Tell, trouble: Callable[[Exception], None]
    ) -> None:
        try:
            drawn = reader.curves(self._setting(), time.time(), HOUR_S)
        except TROUBLE as error:  # which was not there when the status was read
            trouble(error)
        else:
            tell("series", {"success": True, **drawn.to_dict()})

    def _spread(self, ended: threading.Event, event: Event) -> None:
        if ended.is_set():
            return  # of a thread that looks for nobody any more
        self._newest[event.kind] = event
        for listener in self._all:
            listener.put(event)

    def _give_up(self, ended: threading.Event) -> None:
        if not ended.is_set():
            self._end()
            for listener in self._all:
                listener.end()
