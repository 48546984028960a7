"""Told of what ends the process, when it comes: a signal, or the end of who began it.

uvicorn tells an application that it ends only after the last answer has been sent, so an answer
that has no end of its own (server-sent events) would hold it up for all of `drain_s`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from types import FrameType


@contextlib.contextmanager
def told_of_signals(stopping: asyncio.Event) -> Iterator[None]:
    """Sets the event on SIGTERM and SIGINT, and then does what was to be done anyway."""
    if threading.current_thread() is not threading.main_thread():  # no signals there
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def told(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stopping.set)
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number in before:
        signal.signal(number, told)
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is told:
                signal.signal(number, handler)


def end_with(parent: BaseProcess) -> None:
    """Ends this process in order when that one is gone: killed, it told nobody.

    Its workers would answer on, at a port that the next service cannot have.
    """

    def follow() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=follow, name="ocr-parent", daemon=True).start()
