"""Counting in memory, on the response path: microseconds, no I/O, no growth with traffic.

`Recorder` is written by all threads; once a second the process's loop takes everything away
(`take`), merges it with what could not be sent before (`backlog`) and sends it.
"""

from __future__ import annotations

import dataclasses
import threading
from array import array
from typing import Final

from ocr_rollout.core.counts import Pairs, latency_bin
from ocr_rollout.core.outcomes import NEVER, OUTCOMES, TIMED, Outcome
from ocr_rollout.core.windows import PAIRS

WINDOW_S: Final = 60  # in which a bucket key counts once
MAX_KEYS: Final = 60_000  # keys between two takes: six full windows of one series
MAX_PLACES: Final = 20_000  # groups between two takes; ordinary traffic makes a hundred a second
_WINDOW_BYTES: Final = 1_250  # a bit for each of 10,000 bucket keys
_WINDOWS: Final = 16  # remembered: three series of the current minute and of those around it
_KNOWN: Final = {name: name for name in OUTCOMES}

# What happened: an outcome with the bin of its latency (-1: not timed), or a pair of texts.
What = tuple[Outcome, int] | Pairs
Place = tuple[int, str, int, What]  # epoch, series, second since 1970, what


@dataclasses.dataclass(frozen=True, slots=True)
class Taken:
    """What was recorded since the last take.

    keyed: bucket keys by place, 2 bytes each. plain: how often, of what counts without a key.
    keys: the keys in `keyed` together.
    """

    keyed: dict[Place, array[int]]
    plain: dict[Place, int]
    keys: int


class Recorder:
    """Never raises, never waits but for another thread's microsecond.

    A bucket key counts once in each `WINDOW_S` and series: a user's retry of one bad image is no
    independent observation. The first of this process goes to the store, which knows the others'.
    Draining and client faults are no requests to the judge; they need no key and take none, so
    that a spoilt image does not hide the fault of the good one that follows.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keyed: dict[Place, array[int]] = {}
        self._plain: dict[Place, int] = {}
        self._keys = 0
        self._seen: dict[tuple[int, str, int], bytearray] = {}  # by epoch, series and window
        self.repeats = 0
        self.dropped = 0

    def record(
        self,
        epoch: int,
        series: str,
        outcome: Outcome,
        latency_ms: float,
        bucket: int | None,
        at_s: float,
    ) -> None:
        """One attempt. bucket: 0..9999; None: it counts without a key.

        What makes no sense (an unknown outcome, a time that is none) is counted as dropped.
        """
        try:
            what = (_KNOWN[outcome], latency_bin(latency_ms) if outcome in TIMED else -1)
            self._count(epoch, series, what, None if outcome in NEVER else bucket, at_s)
        except (LookupError, TypeError, ValueError, OverflowError):
            self.dropped += 1

    def record_pair(self, epoch: int, pairs: Pairs, bucket: int | None, at_s: float) -> None:
        """An image that both arms read."""
        try:
            self._count(epoch, PAIRS, pairs, bucket, at_s)
        except (LookupError, TypeError, ValueError, OverflowError):
            self.dropped += 1

    def take(self) -> Taken:
        """Everything, once. The caller owns it."""
        with self._lock:
            taken = Taken(self._keyed, self._plain, self._keys)
            self._keyed, self._plain, self._keys = {}, {}, 0
        return taken

    @property
    def waiting(self) -> int:
        """Outcomes since the last take."""
        with self._lock:
            return self._keys + sum(self._plain.values())

    def _count(self, epoch: int, series: str, what: What, bucket: int | None, at_s: float) -> None:
        second = int(at_s)  # after 1970 the same as floor
        if second < 0:
            raise ValueError(at_s)
        place = (epoch, series, second, what)
        with self._lock:
            if len(self._keyed) + len(self._plain) >= MAX_PLACES or self._keys >= MAX_KEYS:
                self.dropped += 1  # the loop that takes them away has been stuck for minutes
                return
            if bucket is None:
                self._plain[place] = self._plain.get(place, 0) + 1
                return
            if not self._first(epoch, series, second - second % WINDOW_S, bucket):
                self.repeats += 1
                return
            keys = self._keyed.get(place)
            if keys is None:
                keys = self._keyed[place] = array("H")
            keys.append(bucket)
            self._keys += 1

    def _first(self, epoch: int, series: str, window_s: int, bucket: int) -> bool:
        """Whether this process has not counted the key in its window yet. Marks it."""
        window = (epoch, series, window_s)
        seen = self._seen.get(window)
        if seen is None:
            if len(self._seen) >= _WINDOWS:  # forgets the oldest: the store still knows them
                del self._seen[next(iter(self._seen))]
            seen = self._seen[window] = bytearray(_WINDOW_BYTES)
        if bucket < 0:
            raise IndexError(bucket)
        mask = 1 << (bucket & 7)
        if seen[bucket >> 3] & mask:
            return False
        seen[bucket >> 3] |= mask
        return True
