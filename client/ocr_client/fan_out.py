"""Many items on a few threads, results in the order of the items."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

AHEAD = 4  # items a thread may be ahead of the reader: a slow one must not hold up the others
LEAVE_S = 1.0  # seconds that an abandoned iterator waits for what is being worked on
_CREW = "ocr-client-"  # names of threads begin so


def in_order(
    work: Callable[[T], R],
    items: Iterable[T],
    *,
    threads: int,
    leave: Callable[[], None],
) -> Generator[R, None, None]:
    """Yields `work(item)` in order. What `work` or `items` raise comes out here.

    threads: at most so many, 1 or more; no more are started than there are items.
    leave: called in each thread before it ends.

    Items are taken as they are needed, `AHEAD` for each thread. Closing the iterator, or a
    Ctrl-C while it waits, drops what was not begun.
    """
    tasks: SimpleQueue[tuple[T, Future[R]] | None] = SimpleQueue()
    waiting: deque[Future[R]] = deque()
    crew: list[threading.Thread] = []

    def hire() -> None:
        if len(crew) < threads:
            name = f"{_CREW}{len(crew)}"
            given = (work, tasks, leave)
            crew.append(threading.Thread(target=_serve, args=given, name=name, daemon=True))
            crew[-1].start()

    try:
        for item in items:
            future: Future[R] = Future()
            tasks.put((item, future))
            waiting.append(future)
            hire()
            if len(waiting) >= threads * AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
        for _ in crew:
            tasks.put(None)
        end = time.monotonic() + LEAVE_S
        for thread in crew:
            thread.join(max(0.0, end - time.monotonic()))


def any_left() -> bool:
    """Whether a thread is still at work, for an iterator that may have been abandoned."""
    return any(thread.name.startswith(_CREW) for thread in threading.enumerate())


def _serve(
    work: Callable[[T], R],
    tasks: SimpleQueue[tuple[T, Future[R]] | None],
    leave: Callable[[], None],
) -> None:
    try:
        while (task := tasks.get()) is not None:
            item, future = task
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(work(item))
            except BaseException as error:  # noqa: BLE001  # it is raised where it is waited for
                future.set_exception(error)
    finally:
        leave()
