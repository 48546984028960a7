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
from ocr_rollout.stores.protocol import CountDelta, CountRow, CountStore, Span

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


def read_epoch(store: CountStore, epoch: int, now_s: float) -> EpochCounts:
    """Raises StorageError, or RecordError when a newer version counted something unknown."""
    spans = [
        span for name in (STABLE, CANDIDATE, SHADOW, PAIRS) for span in _spans(epoch, name, now_s)
    ]
    rows: dict[str, list[CountRow]] = {span.series: [] for span in spans}
    for row in store.counts(*spans):
        rows[row.series].append(row)
    counts = _Reader(Counts, epoch, now_s, rows)
    return EpochCounts(
        counts.series(STABLE),
        counts.series(CANDIDATE),
        counts.series(SHADOW),
        _Reader(Pairs, epoch, now_s, rows).series(PAIRS),
    )


def _spans(epoch: int, name: str, now_s: float) -> list[Span]:
    """All of the future too: another host's clock may be ahead."""
    return [
        Span(f"{epoch}/{name}/total", 0, 1),
        *(
            Span(f"{epoch}/{name}/{width}", now_s - expires_s(width), math.inf)
            for width in WIDTHS_S
        ),
    ]


@dataclasses.dataclass(frozen=True)
class _Reader(Generic[C]):
    kind: type[C]
    epoch: int
    now_s: float
    rows: dict[str, list[CountRow]]

    def series(self, name: str) -> Series[C]:
        total = self.kind()
        for row in self.rows[f"{self.epoch}/{name}/total"]:
            total += self.kind.from_record(row.counts)
        buckets = [
            Bucket(row.start_s, width, self.kind.from_record(row.counts))
            for width in WIDTHS_S
            for row in self.rows[f"{self.epoch}/{name}/{width}"]
            if wanted(row.start_s, width, self.now_s)
        ]
        return Series(total, tuple(sorted(buckets, key=lambda bucket: bucket.start_s)))
