"""What the judge looks at, read from a store: the epoch's counts and how long it was watched."""

from __future__ import annotations

import math
from typing import Final

from ocr_rollout.core.evidence import MARK_S, Evidence
from ocr_rollout.stores.protocol import CountDelta, CountStore, KeyedDelta, Span
from ocr_rollout.stores.series import TOTAL_KEPT_S, EpochReader

MARK_KEPT_S: Final = 86_400  # how long a minute's mark keeps a late one of the same minute out
_MARKS: Final = "marks"


def mark(epoch: int, now_s: float) -> KeyedDelta:
    """Says that this minute of the epoch was watched. Counts once, whoever says it."""
    minute = math.floor(now_s / MARK_S) * MARK_S
    total = CountDelta(_series(epoch), 0, {_MARKS: 1}, math.ceil(now_s) + TOTAL_KEPT_S)
    return KeyedDelta(f"{epoch}/watch", minute, minute + MARK_KEPT_S, 0, (total,))


class EvidenceReader:
    """Reads one epoch's evidence again and again. For one thread."""

    def __init__(self, store: CountStore, epoch: int) -> None:
        self.epoch = epoch
        self._store = store
        self._counts = EpochReader(store, epoch)

    def read(self, now_s: float) -> Evidence:
        """Raises StorageError, or RecordError where a newer version counted something unknown."""
        found = self._counts.read(now_s)
        rows = self._store.counts(Span(_series(self.epoch), 0, 1))
        watched_s = float(MARK_S * sum(row.counts.get(_MARKS, 0) for row in rows))
        return Evidence(found.stable, found.candidate, found.shadow, found.pairs, watched_s)


def read_evidence(store: CountStore, epoch: int, now_s: float) -> Evidence:
    """One reading, e.g. for `ocrctl rollout status`. Raises as `EvidenceReader.read` does."""
    return EvidenceReader(store, epoch).read(now_s)


def _series(epoch: int) -> str:
    return f"{epoch}/watch/total"
