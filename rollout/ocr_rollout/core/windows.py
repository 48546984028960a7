"""Counts over time: fine for the last minute, coarser the longer ago, forgotten after a week.

```
width    1 s      10 s      100 s     1,000 s     10,000 s
keeps    1 min    10 min    100 min   16.7 h      1 week
```
Each second starts in a bucket of its own; ten of them become one when they are a minute old, and
so on. Buckets start at multiples of their width, so those of several processes fall together:
series add up in any order and grouping. At most about 300 buckets whatever the traffic, and each
has the same size. Next to them stands the total of the whole epoch, which forgets nothing.

An **epoch** is a stretch in which nothing about the traffic was changed by us (same arms, same
weight); its number is the generation of the state that began it. Every phase begins a new one.

A store keeps, per epoch and series (STABLE, CANDIDATE, SHADOW, PAIRS), the total and the buckets.
It may write each count into one bucket of every width and let them expire (`places`), or write
seconds only and merge them later (`Series.seen_from`): both read back as the same series.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator
from typing import Final, Generic, Protocol, TypeVar

WIDTHS_S: Final[tuple[int, ...]] = (1, 10, 100, 1_000, 10_000)
KEEP: Final = 60  # buckets of a width before they are merged into the next

STABLE: Final = "stable"  # Counts of stable's attempts
CANDIDATE: Final = "candidate"  # Counts of the candidate's first attempts for users
SHADOW: Final = "shadow"  # Counts of the candidate's attempts off the response path
PAIRS: Final = "pairs"  # Pairs: both arms read the image, whoever answered


class Adds(Protocol):
    """What can be counted: `Counts`, `Pairs`."""

    def __add__(self: C, other: C, /) -> C: ...  # noqa: PYI019  # Python 3.10 has no Self


C = TypeVar("C", bound=Adds)


@dataclasses.dataclass(frozen=True, slots=True)
class Bucket(Generic[C]):
    """What was counted in [start_s, start_s + width_s), Unix time in whole seconds."""

    start_s: int
    width_s: int
    counts: C


@dataclasses.dataclass(frozen=True, slots=True)
class Series(Generic[C]):
    """One series of an epoch.

    total: since the epoch began.
    buckets: by time, none overlapping.
    """

    total: C
    buckets: tuple[Bucket[C], ...] = ()

    def added(self, at_s: float, counts: C) -> Series[C]:
        """With counts of the second `at_s` (Unix time; fractions are dropped)."""
        return self.merged(Series(counts, (Bucket(math.floor(at_s), 1, counts),)))

    def merged(self, other: Series[C]) -> Series[C]:
        """With what another process counted in the same epoch."""
        together = (*self.buckets, *other.buckets)
        now_s = max((bucket.start_s for bucket in together), default=0)
        return Series(self.total + other.total, _arranged(together, now_s))

    def seen_from(self, now_s: float) -> Series[C]:
        """As it looks at a later time: coarser, and without what is older than a week.

        Buckets of the future (another host's clock) are left as they are.
        """
        return Series(self.total, _arranged(self.buckets, math.floor(now_s)))

    def since(self, at_s: float) -> tuple[Bucket[C], ...]:
        """The buckets that end after a time."""
        return tuple(bucket for bucket in self.buckets if bucket.start_s + bucket.width_s > at_s)

    def newest_first(self) -> Iterator[Bucket[C]]:
        return reversed(self.buckets)


def places(at_s: float) -> tuple[tuple[int, int], ...]:
    """(start, width) in seconds of the bucket of every width that holds a time."""
    second = math.floor(at_s)
    return tuple((second - second % width, width) for width in WIDTHS_S)


def expires_s(width_s: int) -> int:
    """How long after its start a bucket of a width may still be read, in seconds."""
    wider = WIDTHS_S[min(WIDTHS_S.index(width_s) + 1, len(WIDTHS_S) - 1)]
    return width_s * KEEP + wider + width_s


def wanted(start_s: int, width_s: int, now_s: float) -> bool:
    """Whether a bucket is the one that stands for its time, of those that `places` names."""
    return _width(start_s, math.floor(now_s)) == width_s


def _width(start_s: int, now_s: int) -> int | None:
    """The width that a time is kept in; None: forgotten.

    Widths meet at multiples of the wider one, so no bucket is ever cut.
    """
    for width, wider in zip(WIDTHS_S, (*WIDTHS_S[1:], WIDTHS_S[-1]), strict=True):
        oldest = now_s - width * KEEP
        if start_s >= oldest - oldest % wider:
            return width
    return None


def _arranged(buckets: Iterable[Bucket[C]], now_s: int) -> tuple[Bucket[C], ...]:
    found: list[Bucket[C]] = []
    for bucket in sorted(buckets, key=lambda bucket: (bucket.start_s, -bucket.width_s)):
        width = _width(bucket.start_s, now_s)
        if width is None:
            continue
        width = max(width, bucket.width_s)  # what was merged stays merged
        start = bucket.start_s - bucket.start_s % width
        last = found[-1] if found else None
        if last is not None and start < last.start_s + last.width_s:
            found[-1] = Bucket(last.start_s, last.width_s, last.counts + bucket.counts)
        else:
            found.append(Bucket(start, width, bucket.counts))
    return tuple(found)
