"""What the judge looks at, read from a store: the epoch's counts and how long it was watched."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from ocr_rollout.core.evidence import MARK_S, Evidence, watched_s
from ocr_rollout.core.state import RolloutState
from ocr_rollout.stores.deltas import CountDelta, KeyedDelta
from ocr_rollout.stores.protocol import CountRow, CountStore, Span
from ocr_rollout.stores.review_series import review_spans, reviews_in, reviews_of
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
    return _marks(store.counts(_span(epoch)))


class EvidenceReader:
    """Reads one epoch's evidence again and again. For one thread.

    reviews: where the rollout's reviews are counted (`reviews_of`).
    """

    def __init__(self, store: CountStore, epoch: int, reviews: str) -> None:
        self.epoch = epoch
        self.reviews = reviews
        self._store = store
        self._counts = EpochReader(store, epoch)

    def read(self, now_s: float) -> Evidence:
        """Raises StorageError, or RecordError where a newer version counted something unknown."""
        found = self._counts.read(now_s)
        rows = self._store.counts(_span(self.epoch), *review_spans(self.reviews))
        return Evidence(
            found.stable,
            found.candidate,
            found.shadow,
            found.pairs,
            watched_s(_marks(row for row in rows if row.series == _series(self.epoch))),
            reviews_in(rows, self.reviews),
        )


def read_evidence(
    store: CountStore, state: RolloutState, now_s: float, *, rollout_id: str = ""
) -> Evidence:
    """One reading, e.g. for `ocrctl rollout status`. Raises as `EvidenceReader.read` does.

    rollout_id: of the plan, for what was reviewed before anything was started.
    """
    return EvidenceReader(store, state.epoch, reviews_of(state, rollout_id)).read(now_s)


def _marks(rows: Iterable[CountRow]) -> int:
    return sum(row.counts.get(_MARKS, 0) for row in rows)


def _span(epoch: int) -> Span:
    return Span(_series(epoch), 0, 1)


def _series(epoch: int) -> str:
    return f"{epoch}/watch/total"
