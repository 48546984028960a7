"""Who may read now, who waits, and who is told to come again."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from typing import Final, TypeVar

from starlette.requests import ClientDisconnect

from .crew import Crew
from .problems import Problem, overloaded

T = TypeVar("T")

FIRST_GUESS_S: Final = 0.1  # of a reading, before any was timed
_WEIGHT: Final = 0.1  # of the newest reading in the mean
_LONGEST_RETRY_S: Final = 30


class Admission:
    """So many jobs run at a time as the crew has threads, `queue` more wait, for `wait_s` at most.

    For one event loop. First come, first served; who has gone away, or has waited for too long, no
    longer stands in the way of the others.

    refused: how many were, because the queue was full or no turn came in time.
    """

    def __init__(self, crew: Crew, *, concurrency: int, queue: int, wait_s: float) -> None:
        self._crew = crew
        self.concurrency = concurrency
        self.queue = queue
        self._wait_s = wait_s
        self._free = concurrency
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._mean_s = FIRST_GUESS_S
        self.refused: Final = {"full": 0, "late": 0}

    @property
    def running(self) -> int:
        return self.concurrency - self._free

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether the next one would be refused."""
        return self._free == 0 and len(self._waiting) >= self.queue

    def refuse_if_full(self) -> None:
        """Raises Problem 503: for callers that have not sent their image yet."""
        if self.full:
            self.refused["full"] += 1
            raise self._busy("too many images wait already; try again")

    async def run(self, job: Callable[[], T], *, gone: Callable[[], Awaitable[object]]) -> T:
        """Raises what the job raises, Problem 503, or ClientDisconnect.

        gone: returns when the caller has gone away.
        """
        await self._turn(gone)
        with self._measured():
            return await self._crew.run(job)

    @contextlib.contextmanager
    def _measured(self) -> Iterator[None]:
        started_s = time.monotonic()
        try:
            yield
        finally:
            self._mean_s += _WEIGHT * (time.monotonic() - started_s - self._mean_s)
            self._pass_on()

    async def _turn(self, gone: Callable[[], Awaitable[object]]) -> None:
        if self._free:
            self._free -= 1
            return
        self.refuse_if_full()
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        left = asyncio.ensure_future(gone())
        try:
            await asyncio.wait(
                (turn, left), timeout=self._wait_s, return_when=asyncio.FIRST_COMPLETED
            )
        except BaseException:
            self._leave(turn)
            raise
        finally:
            went_away = left.done()
            left.cancel()
        if went_away:
            self._leave(turn)
            raise ClientDisconnect
        if not turn.done():
            self._leave(turn)
            self.refused["late"] += 1
            raise self._busy(f"no turn within {self._wait_s:g} s; try again")

    def _leave(self, turn: asyncio.Future[None]) -> None:
        if turn.done():  # it came at the same moment
            self._pass_on()
        else:
            self._waiting.remove(turn)

    def _pass_on(self) -> None:
        if self._waiting:
            self._waiting.popleft().set_result(None)
        else:
            self._free += 1

    def _busy(self, detail: str) -> Problem:
        return overloaded(detail, retry_after_s(len(self._waiting), self.concurrency, self._mean_s))


def retry_after_s(waiting: int, concurrency: int, mean_s: float) -> int:
    """Whole seconds, 1..30, until those who wait now have been served."""
    return min(_LONGEST_RETRY_S, max(1, math.ceil((waiting + 1) * mean_s / concurrency)))
