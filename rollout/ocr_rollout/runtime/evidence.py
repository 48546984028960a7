"""What the judge looks at, read from a store: the epoch's counts and how long it was watched."""

from __future__ import annotations

import math
from typing import Final

from ocr_rollout.core.evidence import MARK_S, Evidence, watched_s
from ocr_rollout.stores.protocol import CountDelta, CountStore, KeyedDelta, Span
from ocr_rollout.stores.series import TOTAL_KEPT_S, EpochReader

DAY_S: Final = 86_400  # its slots of MARK_S are the keys of one window: 8,640 bits
MARK_KEPT_S: Final = 2 * DAY_S  # from its start; so long a mark keeps a late one of its slot out
_MARKS: Final = "marks"


def mark(epoch: int, now_s: float) -> KeyedDelta:
    """Says that this slot of `MARK_S` was watched. Counts once, whoever says it."""
    day = math.floor(now_s / DAY_S) * DAY_S
    slot = math.floor(now_s - day) // MARK_S
    total = CountDelta(_series(epoch), 0, {_MARKS: 1}, math.ceil(now_s) + TOTAL_KEPT_S)
    return KeyedDelta(f"{epoch}/watch", day, day + MARK_KEPT_S, slot, (total,))


def marks(store: CountStore, epoch: int) -> int:
    """How many slots of an epoch were watched. Raises StorageError."""
    rows = store.counts(Span(_series(epoch), 0, 1))
    return sum(row.counts.get(_MARKS, 0) for row in rows)


class EvidenceReader:
    """Reads one epoch's evidence again and again. For one thread."""

    def __init__(self, store: CountStore, epoch: int) -> None:
        self.epoch = epoch
        self._store = store
        self._counts = EpochReader(store, epoch)

    def read(self, now_s: float) -> Evidence:
        """Raises StorageError, or RecordError where a newer version counted something unknown."""
        found = self._counts.read(now_s)
        watched = watched_s(marks(self._store, self.epoch))
        return Evidence(found.stable, found.candidate, found.shadow, found.pairs, watched)


def read_evidence(store: CountStore, epoch: int, now_s: float) -> Evidence:
    """One reading, e.g. for `ocrctl rollout status`. Raises as `EvidenceReader.read` does."""
    return EvidenceReader(store, epoch).read(now_s)


def _series(epoch: int) -> str:
    return f"{epoch}/watch/total"
