"""Sends requests as a plan says, and keeps when each was due, sent and answered.

A closed loop has so many callers, each of whom asks again when answered: it finds the throughput, but
slows down with the server, so its latencies flatter one that stalls. An open loop sends when
requests come, answered or not, and a latency begins when its request was due (Schroeder, Wierman and
Harchol-Balter, "Open Versus Closed: A Cautionary Tale", NSDI 2006).
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Sequence

from .figures import Shot

Ask = Callable[[int], str]  # of a request's number; returns an error's name, or nothing
Leave = Callable[[], None]  # in each thread, before it ends
Clock = Callable[[], float]


def closed(
    ask: Ask, *, callers: int, until_s: float, leave: Leave, clock: Clock = time.monotonic
) -> list[Shot]:
    """What was asked before `until_s` of the clock. A Ctrl-C ends it when what runs is answered."""
    numbers = itertools.count()

    def call(stopped: threading.Event, shots: list[Shot]) -> None:
        while not stopped.is_set() and (start_s := clock()) < until_s:
            error = ask(next(numbers))
            shots.append(Shot(start_s, start_s, clock(), error))

    return _with_threads(callers, call, leave)


def opened(
    ask: Ask,
    due: Sequence[float],
    *,
    threads: int,
    until_s: float,
    leave: Leave,
    clock: Clock = time.monotonic,
) -> tuple[list[Shot], int]:
    """Sends request k at `due[k]` of the clock, or as soon as a thread is free; and how many not.

    until_s: then no more are begun, so that an overload ends.
    """
    numbers = iter(range(len(due)))
    lock = threading.Lock()
    unsent = 0

    def call(stopped: threading.Event, shots: list[Shot]) -> None:
        nonlocal unsent
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            stopped.wait(max(0.0, due[number] - clock()))
            sent_s = clock()
            if stopped.is_set() or sent_s >= until_s:
                with lock:
                    unsent += 1
                continue
            error = ask(number)
            shots.append(Shot(due[number], sent_s, clock(), error))

    return _with_threads(threads, call, leave), unsent


def _with_threads(
    count: int, call: Callable[[threading.Event, list[Shot]], None], leave: Leave
) -> list[Shot]:
    """All threads' shots. Raises KeyboardInterrupt after they have ended, and what a thread raised."""
    stopped = threading.Event()
    kept: list[list[Shot]] = [[] for _ in range(count)]
    raised: list[BaseException] = []

    def work(shots: list[Shot]) -> None:
        try:
            call(stopped, shots)
        except BaseException as error:  # noqa: BLE001  # raised again where it is waited for
            raised.append(error)
            stopped.set()
        finally:
            leave()

    threads = [threading.Thread(target=work, args=(shots,), daemon=True) for shots in kept]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:
        stopped.set()
        for thread in threads:
            thread.join()
        raise
    if raised:
        raise raised[0]
    return [shot for shots in kept for shot in shots]
