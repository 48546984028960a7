"""Threads of our own for an event loop: their number is known, and each leaves tidily."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
import weakref
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")
_Task = tuple[Callable[[], Any], asyncio.AbstractEventLoop, "asyncio.Future[Any]"]


_ALL: weakref.WeakSet[threading.Thread] = weakref.WeakSet()


def any_left() -> bool:
    """Whether a thread of any crew of this process is still at something."""
    return any(thread.is_alive() for thread in _ALL)


class Crew:
    """Runs jobs in `size` threads, in the order they come.

    leave: called in each thread before it ends: what is kept for a thread, only it can close.
    """

    def __init__(self, size: int, name: str, leave: Callable[[], None]) -> None:
        self._size = size
        self._name = name
        self._leave = leave
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    async def run(self, job: Callable[[], T]) -> T:
        """Raises what the job raises. Who is cancelled meanwhile loses only its result."""
        if not self._threads:
            self._hire()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._tasks.put((job, loop, future))
        return await future

    def close(self, wait_s: float) -> None:
        """What was not begun is still done. Waits so long at most; threads are daemons."""
        threads, self._threads = self._threads, []
        for _ in threads:
            self._tasks.put(None)
        end = time.monotonic() + wait_s
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _hire(self) -> None:
        for number in range(self._size):
            thread = threading.Thread(
                target=self._serve, name=f"{self._name}-{number}", daemon=True
            )
            self._threads.append(thread)
            _ALL.add(thread)
            thread.start()

    def _serve(self) -> None:
        try:
            while (task := self._tasks.get()) is not None:
                _do(*task)
        finally:
            self._leave()


def _do(
    job: Callable[[], Any], loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any]
) -> None:
    result, error = None, None
    try:
        result = job()
    except BaseException as fault:  # noqa: BLE001  # it is raised where it is waited for
        error = fault
    with contextlib.suppress(RuntimeError):  # the loop is gone, and nobody waits
        loop.call_soon_threadsafe(_settle, future, result, error)


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():  # cancelled meanwhile
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
