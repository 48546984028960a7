"""What routes do with the rollout: in a few threads of its own, and never for long."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import anyio

from ocr_client import OCRClient
from ocr_client.operations.refused import NoRolloutError, RefusedError, StaleError
from ocr_client.operations.setting import Setting, shared_store
from ocr_rollout.core.counts import RecordError
from ocr_rollout.core.state import StateError
from ocr_rollout.stores import Store, StoreError

from .crew import Crew
from .problems import Problem

THREADS: Final = 4
WAITING: Final = 32  # orders and looks at a time; a store that hangs gathers no more
READ_S: Final = 5.0
ORDER_S: Final = 20.0  # a store may be busy for seconds, and Triton is asked for both arms
RETRY_S: Final = 2

T = TypeVar("T")


class Desk:
    """The rollout of the configuration that a client has now; a reload is followed.

    The store is one of its own: the client's is closed with it.
    """

    def __init__(self, client: OCRClient) -> None:
        self._client = client
        self._crew = Crew(THREADS, "ocr-desk", lambda: None)
        self._lock = threading.Lock()
        self._store: tuple[str, Store] | None = None  # by the URL that it was opened with
        self._under_way = 0

    def setting(self) -> Setting:
        """For any thread. Raises NoRolloutError or StoreError."""
        config, name = self._client.config, self._client.where
        url = config.store.url
        with self._lock:
            there = self._store
            if there is None or there[0] != url:
                opened = shared_store(url, name)  # asks nobody yet
                there = self._store = (str(url), opened)
        return Setting(config, name, there[1])

    async def read(self, work: Callable[[Setting], T]) -> T:
        """Raises Problem."""
        return await self._run(work, READ_S, "")

    async def order(self, work: Callable[[Setting], T]) -> T:
        """Raises Problem."""
        return await self._run(
            work, ORDER_S, "; whether it was carried out is not known: look at the history"
        )

    def close(self, wait_s: float) -> None:
        self._crew.close(wait_s)
        if self._store is not None:
            self._store[1].close()

    async def _run(self, work: Callable[[Setting], T], within_s: float, unknown: str) -> T:
        if self._under_way >= WAITING:
            raise lost("too many are waiting for the rollout's store; nothing was done")
        fate = _Fate()

        def job() -> T:
            if not fate.begin():
                raise TimeoutError  # nobody waits any more
            return work(self.setting())

        self._under_way += 1
        try:
            with anyio.move_on_after(within_s), as_problems():
                return await self._crew.run(job)
        finally:
            self._under_way -= 1
        late = f"the rollout's store did not answer within {within_s:g} s"
        raise lost(f"{late}; nothing was done" if fate.give_up() else f"{late}{unknown}")


class _Fate:
    """Of a job in a queue: begun, or given up before that; never both."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun = self._given_up = False

    def begin(self) -> bool:
        with self._lock:
            self._begun = not self._given_up
            return self._begun

    def give_up(self) -> bool:
        """False: it is too late for that."""
        with self._lock:
            self._given_up = not self._begun
            return self._given_up


def lost(detail: str) -> Problem:
    return Problem(503, "store", detail, {"Retry-After": str(RETRY_S)})


def problem_of(error: Exception) -> Problem:
    """What reading or ordering raised, as callers see it; anything else is raised again."""
    if isinstance(error, NoRolloutError):
        return Problem(404, "no-rollout", str(error))
    if isinstance(error, StaleError):
        return Problem(409, "stale", str(error))
    if isinstance(error, RefusedError):
        return Problem(409, "refused", str(error))
    if isinstance(error, StoreError):
        return lost(str(error))
    if isinstance(error, StateError | RecordError):
        return Problem(503, "unreadable", str(error), {"Retry-After": str(RETRY_S)})
    raise error


@contextmanager
def as_problems() -> Iterator[None]:
    try:
        yield
    except (RefusedError, StoreError, StateError, RecordError) as error:
        raise problem_of(error) from error
