"""The judge's series (`core.windows`) as time buckets of a store.

| series in the store | start | what |
|---|---|---|
| `EPOCH/NAME/total` | 0 | since the epoch began |
| `EPOCH/NAME/WIDTH` | multiple of WIDTH | counts of WIDTH seconds, until they are kept coarser |

Each count is written into one bucket of every width, so nobody has to merge and any process may
write; a reader takes the width that stands for each time.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Generic, Protocol, TypeVar

from ocr_rollout.core.counts import Counts, Pairs
from ocr_rollout.core.windows import (
    CANDIDATE,
    PAIRS,
    SHADOW,
    STABLE,
    WIDTHS_S,
    Bucket,
    Series,
    expires_s,
    places,
    wanted,
)
from ocr_rollout.stores.deltas import CountDelta
from ocr_rollout.stores.protocol import CountRow, CountStore, Span

LATE_S = 15  # how old counts may be when they are flushed in the ordinary course of things
WHOLE_S = 60  # between readings of everything
TOTAL_KEPT_S = 90 * 86_400  # after the last count: longer than a phase goes without any traffic

C = TypeVar("C", Counts, Pairs)


class Recorded(Protocol):
    """`Counts` or `Pairs`."""

    def to_record(self) -> dict[str, int]: ...


@dataclasses.dataclass(frozen=True)
class EpochCounts:
    """What an epoch's judge reads: all series at one moment."""

    stable: Series[Counts]
    candidate: Series[Counts]
    shadow: Series[Counts]
    pairs: Series[Pairs]


def deltas(epoch: int, name: str, at_s: float, counts: Recorded) -> tuple[CountDelta, ...]:
    """What adds the counts of the second `at_s` to the series `name` of an epoch."""
    record = counts.to_record()
    if not record:
        return ()
    total = CountDelta(f"{epoch}/{name}/total", 0, record, math.ceil(at_s) + TOTAL_KEPT_S)
    return (
        total,
        *(
            CountDelta(f"{epoch}/{name}/{width}", start, record, start + expires_s(width))
            for start, width in places(at_s)
        ),
    )


class EpochReader:
    """Reads one epoch again and again, as a controller does each second. For one thread.

    Time buckets that ended more than `LATE_S` ago come from its memory, which saves 95 % of the
    work; a process that was cut off and adds to older ones is seen in the total at once, and in
    those after `WHOLE_S` at the latest.
    """

    def __init__(self, store: CountStore, epoch: int) -> None:
        self._store = store
        self._epoch = epoch
        self._read_s = -math.inf
        self._whole_s = -math.inf
        self._kept = {name: _Kept[Counts](Counts) for name in (STABLE, CANDIDATE, SHADOW)}
        self._pairs = _Kept[Pairs](Pairs)

    def read(self, now_s: float) -> EpochCounts:
        """Raises StorageError, or RecordError when a newer version counted something unknown.

        After an error the next reading goes on from the last good one.
        """
        kept: dict[str, _Kept[Counts] | _Kept[Pairs]] = {**self._kept, PAIRS: self._pairs}
        whole = not self._whole_s <= self._read_s <= now_s < self._whole_s + WHOLE_S
        since_s = -math.inf if whole else self._read_s - LATE_S
        rows = self._store.counts(
            *(span for name in kept for span in _spans(self._epoch, name, now_s, since_s))
        )
        if whole:
            for there in kept.values():
                there.forget()
        for row in rows:
            _, name, width = row.series.split("/")
            kept[name].take(width, row)
        self._read_s = now_s
        if whole:
            self._whole_s = now_s
        return EpochCounts(
            self._kept[STABLE].series(now_s),
            self._kept[CANDIDATE].series(now_s),
            self._kept[SHADOW].series(now_s),
            self._pairs.series(now_s),
        )


def read_epoch(store: CountStore, epoch: int, now_s: float) -> EpochCounts:
    """One reading, of everything. Raises as `EpochReader.read` does."""
    return EpochReader(store, epoch).read(now_s)


def _spans(epoch: int, name: str, now_s: float, since_s: float) -> list[Span]:
    """What has ended after `since_s`, and all of the future: another host's clock may be ahead."""
    return [
        Span(f"{epoch}/{name}/total", 0, 1),
        *(
            Span(
                f"{epoch}/{name}/{width}",
                max(now_s - expires_s(width), since_s - width),
                math.inf,
            )
            for width in WIDTHS_S
        ),
    ]


class _Kept(Generic[C]):
    """One series as it was last read."""

    def __init__(self, kind: type[C]) -> None:
        self._kind: type[C] = kind
        self._total: C = kind()
        self._buckets: dict[tuple[int, int], Bucket[C]] = {}  # by start and width

    def forget(self) -> None:
        self._total = self._kind()
        self._buckets.clear()

    def take(self, width: str, row: CountRow) -> None:
        counts = self._kind.from_record(row.counts)
        if width == "total":
            self._total = counts
        else:
            self._buckets[row.start_s, int(width)] = Bucket(row.start_s, int(width), counts)

    def series(self, now_s: float) -> Series[C]:
        buckets = [
            bucket
            for (start_s, width), bucket in self._buckets.items()
            if wanted(start_s, width, now_s)
        ]
        return Series(self._total, tuple(sorted(buckets, key=lambda bucket: bucket.start_s)))
