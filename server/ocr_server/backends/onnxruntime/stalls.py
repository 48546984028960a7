"""Notices that this process, or the machine's clock, stood still: Triton may have given it up.

Triton's Python backend asks for a sign of life within a second by the wall clock, and the stub gives
one each 0.3 s. Who gets none gives the request up and sends the next one, but a stub that was only
stopped, starved or passed over by a step of the clock answers the given-up request all the same. That
answer is taken for the next request's, and so are all that follow: every caller gets another one's
text (tried: a stub stopped for 1.2 s). No message of the protocol tells the two sides apart, so after a
pause in a request the only right end is that of the process: Triton then says that the stub is not healthy.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

TICK_S = 0.05
# Triton waits for 1 s, and the last sign of life may be 0.3 s old.
PAUSE_S = 0.6
# From the end of a pause to the call of `execute` for a request that had come before it.
LATE_S = 1.0


class Stalls:
    """A thread that should be woken each TICK_S, and looks how late it is.

    clock: seconds that only grow. wall: seconds since 1970, which somebody may set.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._seen = (clock(), wall())
        self._ended_s = float("-inf")

    def watch(self) -> None:
        """Until the process ends."""
        threading.Thread(target=self._run, name="stalls", daemon=True).start()

    def look(self) -> None:
        """One tick. Either clock may have gone on without this process."""
        now = self._clock(), self._wall()
        gone = max(now[0] - self._seen[0], now[1] - self._seen[1])
        if gone > PAUSE_S + TICK_S:
            self._ended_s = now[0]
        self._seen = now

    def since(self, start_s: float) -> bool:
        """Whether a request may have been given up that `execute` got at `start_s` of the clock."""
        self.look()
        return self._ended_s > start_s - LATE_S

    def _run(self) -> None:
        while True:
            time.sleep(TICK_S)
            self.look()
