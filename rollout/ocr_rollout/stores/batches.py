"""What a batch of counts adds up to, for the stores that add in Python."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from ocr_rollout.stores.deltas import CountDelta
from ocr_rollout.stores.protocol import BUCKETS, CountBatch

SOURCE_KEPT_S = 86_400  # how long a batch's number is remembered: longer than anybody retries it
BITMAP_BYTES = BUCKETS // 8

Place = tuple[str, int]  # series and start of a time bucket; scope and start of a window


@dataclasses.dataclass
class Sum:
    """What is to be added to one time bucket."""

    counts: dict[str, int]
    expires_s: int


@dataclasses.dataclass
class Seen:
    """The bucket keys of one window: a bit each, bit b of byte b // 8 from the top as in Redis."""

    bits: bytearray
    expires_s: int

    @classmethod
    def empty(cls) -> Seen:
        return cls(bytearray(BITMAP_BYTES), 0)

    def claim(self, bucket: int) -> bool:
        """False when the bucket was there."""
        mask = 0x80 >> bucket % 8
        if self.bits[bucket // 8] & mask:
            return False
        self.bits[bucket // 8] |= mask
        return True


def summed(batch: CountBatch, windows: Mapping[Place, Seen]) -> tuple[dict[Place, Sum], int]:
    """The sums by time bucket, and how many keyed deltas were repeats.

    windows: what was seen before, of every window in the batch; the batch's keys are added to it.
    """
    sums: dict[Place, Sum] = {}
    _add(sums, batch.deltas)
    repeats = 0
    for keyed in batch.keyed:
        window = windows[keyed.scope, keyed.window_s]
        window.expires_s = max(window.expires_s, keyed.window_expires_s)
        if window.claim(keyed.bucket):
            _add(sums, keyed.deltas)
        else:
            repeats += 1
    return sums, repeats


def summed_deltas(deltas: Iterable[CountDelta]) -> dict[Place, Sum]:
    """The sums by time bucket."""
    sums: dict[Place, Sum] = {}
    _add(sums, deltas)
    return sums


def add_counts(total: dict[str, int], more: Mapping[str, int]) -> None:
    for name, value in more.items():
        total[name] = total.get(name, 0) + value


def _add(sums: dict[Place, Sum], deltas: Iterable[CountDelta]) -> None:
    for delta in deltas:
        there = sums.setdefault((delta.series, delta.start_s), Sum({}, 0))
        add_counts(there.counts, delta.counts)
        there.expires_s = max(there.expires_s, delta.expires_s)
