"""From what was recorded to batches for the store; and what to do while no store takes them.

One batch is under way at a time and is offered, the very same, until the store answers: a store
that broke off may have added it, and knows it by its number. What comes meanwhile is merged: a
minute that is over becomes one second, for the judge reads old time coarsely anyway. At traffic of
100 requests a second an hour without a store costs some 2 MB; at `MAX_KEYS` keys or
`MAX_PLACES` groups the oldest minutes are dropped, and counted as such.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable
from itertools import islice
from typing import Final

from ocr_rollout.core.counts import EDGES_MS, LATENCY_BINS, Counts, Pairs
from ocr_rollout.stores.deltas import CountDelta, KeyedDelta
from ocr_rollout.stores.protocol import CountBatch, new_id
from ocr_rollout.stores.series import deltas

from .recorder import WINDOW_S, Place, Taken, What

MAX_KEYS: Final = 200_000
MAX_PLACES: Final = 20_000
BATCH_KEYS: Final = 2_000  # of one batch: a store serves nobody else meanwhile, some 20 ms
BATCH_PLACES: Final = 400
FINE_S: Final = 60  # how long seconds are kept apart
COARSE_S: Final = 6_000  # then minutes, and after so long
HOUR_S: Final = 3_600  # hours, of what has no keys
RETRIED_S: Final = 40_000  # well below what the store remembers of a batch (`SOURCE_KEPT_S`)
SEEN_KEPT_S: Final = 600  # how long after it was sent a window of keys is remembered


class Backlog:
    """What one process has counted and no store has confirmed. For one thread.

    source: of the batches; a new one for each process.
    """

    def __init__(self) -> None:
        self.source = new_id()
        self.dropped = 0
        self._sequence = 0
        self._keyed: dict[Place, array[int]] = {}
        self._plain: dict[Place, int] = {}
        self._keys = 0
        self._times = 0  # in `_plain` together: whoever asks may be another thread
        self._under_way: CountBatch | None = None
        self._outcomes = 0  # in the batch under way

    @property
    def waiting(self) -> int:
        """Outcomes that no store has confirmed."""
        return self._outcomes + self._keys + self._times

    @property
    def under_way(self) -> bool:
        """Whether a batch was offered and not answered."""
        return self._under_way is not None

    def put(self, taken: Taken, now_s: float) -> None:
        """Takes it over, and keeps within its bounds."""
        for place, keys in taken.keyed.items():
            self._put_keys(place, keys)
        for place, times in taken.plain.items():
            self._plain[place] = self._plain.get(place, 0) + times
            self._times += times
        self._keys += taken.keys
        if self._keyed or self._plain:
            self._merge(now_s)
            self._bound()

    @property
    def counts_outcomes(self) -> bool:
        """Whether there are outcomes in the batch under way, and not marks alone."""
        return self._outcomes > 0

    def next(self, now_s: float, marks: Iterable[KeyedDelta] = ()) -> CountBatch | None:
        """The batch to be sent now: the one under way, else a new one. None: there is nothing.

        marks: go first, in a batch of their own: a mark that another process has set is no
            outcome that counts once.
        """
        batch = self._under_way
        if batch is not None and abs(now_s - batch.at_s) < RETRIED_S:
            return batch
        if batch is not None:  # whether it was added nobody can tell any more
            self.dropped += self._outcomes
        self._under_way, self._outcomes = None, 0
        keyed, plain = list(marks), list[CountDelta]()
        if not keyed:
            keyed, plain = self._some_keyed(now_s), self._some_plain()
        if not keyed and not plain:
            return None
        self._sequence += 1
        self._under_way = CountBatch(self.source, self._sequence, now_s, plain, keyed)
        return self._under_way

    def confirmed(self) -> None:
        """The batch under way is in the store."""
        self._under_way, self._outcomes = None, 0

    def refused(self) -> None:
        """No store will ever take the batch under way."""
        self.dropped += self._outcomes
        self.confirmed()

    def _some_keyed(self, now_s: float) -> list[KeyedDelta]:
        found: list[KeyedDelta] = []
        for place in list(islice(self._keyed, BATCH_PLACES)):
            keys = self._keyed.pop(place)
            room = BATCH_KEYS - len(found)
            if len(keys) > room:
                self._keyed[place] = keys[room:]
                keys = keys[:room]
            found += _keyed(place, keys, now_s)
            self._keys -= len(keys)
            self._outcomes += len(keys)
            if len(found) >= BATCH_KEYS:
                break
        return found

    def _some_plain(self) -> list[CountDelta]:
        counts: dict[tuple[int, str, int], Counts] = {}
        pairs: dict[tuple[int, str, int], Pairs] = {}
        for place in list(islice(self._plain, BATCH_PLACES)):
            times = self._plain.pop(place)
            epoch, series, second, what = place
            at, more = (epoch, series, second), _times(what, times)
            if isinstance(more, Pairs):
                pairs[at] = pairs.get(at, Pairs()) + more
            else:
                counts[at] = counts.get(at, Counts()) + more
            self._outcomes += times
            self._times -= times
        found = [delta for at, summed in counts.items() for delta in deltas(*at, summed)]
        return [*found, *(delta for at, summed in pairs.items() for delta in deltas(*at, summed))]

    def _merge(self, now_s: float) -> None:
        """Makes one second of each minute that is over, and of old hours."""
        for place in [p for p in self._keyed if p[2] % WINDOW_S and p[2] < now_s - FINE_S]:
            keys = self._keyed.pop(place)
            self._put_keys(_at(place, WINDOW_S), keys)
        for place in [p for p in self._plain if p[2] % WINDOW_S and p[2] < now_s - FINE_S]:
            times, to = self._plain.pop(place), _at(place, WINDOW_S)
            self._plain[to] = self._plain.get(to, 0) + times
        for place in [p for p in self._plain if p[2] % HOUR_S and p[2] < now_s - COARSE_S]:
            times, to = self._plain.pop(place), _at(place, HOUR_S)
            self._plain[to] = self._plain.get(to, 0) + times

    def _bound(self) -> None:
        """Drops the oldest, down to nine tenths of the bounds."""
        places = len(self._keyed) + len(self._plain)
        if self._keys <= MAX_KEYS and places <= MAX_PLACES:
            return
        for place in sorted((*self._keyed, *self._plain), key=lambda place: place[2]):
            if self._keys <= 0.9 * MAX_KEYS and places <= 0.9 * MAX_PLACES:
                break
            keys = self._keyed.pop(place, None)
            if keys is not None:
                self._keys -= len(keys)
                self.dropped += len(keys)
            times = self._plain.pop(place, 0)
            self._times -= times
            self.dropped += times
            places = len(self._keyed) + len(self._plain)

    def _put_keys(self, place: Place, keys: array[int]) -> None:
        there = self._keyed.get(place)
        if there is None:
            self._keyed[place] = keys
        else:
            there.extend(keys)


def _at(place: Place, width_s: int) -> Place:
    epoch, series, second, what = place
    return epoch, series, second - second % width_s, what


def _keyed(place: Place, keys: Iterable[int], now_s: float) -> list[KeyedDelta]:
    """Of one group; all share the very same deltas, which a store may send once."""
    epoch, series, second, what = place
    window_s = second - second % WINDOW_S
    expires_s = math.ceil(max(now_s, window_s + WINDOW_S)) + SEEN_KEPT_S
    each = deltas(epoch, series, second, _times(what, 1))
    return [KeyedDelta(f"{epoch}/{series}", window_s, expires_s, key, each) for key in keys]


def _times(what: What, times: int) -> Counts | Pairs:
    if isinstance(what, Pairs):
        return Pairs(**{name: n * times for name, n in what.to_record().items()})
    outcome, at = what
    return Counts.of(outcome, EDGES_MS[at] if at < LATENCY_BINS - 1 else math.inf, times)
