"""Facts again and again: on every change of the state, and every 2 s."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Final

from ocr_client.settings import TritonSettings
from ocr_rollout.core.counts import RecordError
from ocr_rollout.core.state import StateError
from ocr_rollout.stores import StoreError

from .facts import Facts, Gatherer
from .refused import NoRolloutError
from .server_facts import OVER_S, Sample, ServerFacts, ask, facts
from .setting import Setting

if TYPE_CHECKING:
    from typing_extensions import Self

EVERY_S: Final = 2.0
FIRST_S: Final = 1.0  # what the first picture waits for Triton's part of it
# What keeps anybody from looking, for as long as it lasts.
TROUBLE: Final = (NoRolloutError, StoreError, StateError, RecordError)


def each(
    setting: Callable[[], Setting],
    server: Callable[[], ServerFacts],
    trouble: Callable[[Exception], None],
    ended: threading.Event,
    every_s: float = EVERY_S,
) -> Iterator[Facts]:
    """Facts now, on every change of the state, and every 2 s, until `ended` is set.

    setting: asked each time, so that another configuration is followed. trouble: is told what is
    wrong with it or with the store, an error of one line; then it is tried again.
    """
    gatherer = Gatherer()
    while not ended.is_set():
        try:
            there = setting()
            found = gatherer.gather(there, server(), time.time())
            yield found
            there.to_read().wait_for_change(found.state.generation, every_s)
        except TROUBLE as error:  # noqa: PERF203  # it goes on
            trouble(error)
            ended.wait(every_s)


class Asking:
    """Asks Triton every 2 s in a thread of its own, so that a slow answer delays no state.

    triton: where to ask, looked up each time.
    """

    def __init__(self, triton: Callable[[], TritonSettings]) -> None:
        self._triton = triton
        self._samples: deque[Sample] = deque(maxlen=round(OVER_S / EVERY_S) + 1)
        self._first, self._end = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="ask-triton", daemon=True)

    def facts(self) -> ServerFacts:
        """Of the last minute. Asks nobody."""
        return facts(tuple(self._samples))

    def __enter__(self) -> Self:
        self._thread.start()
        self._first.wait(FIRST_S)  # mostly it is there by then, and the first picture complete
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end.set()
        self._thread.join(timeout=EVERY_S)

    def _run(self) -> None:
        while not self._end.is_set():
            self._samples.append(ask(self._triton(), time.monotonic()))
            self._first.set()
            self._end.wait(EVERY_S)
