"""Counts as the Redis store's scripts take them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from ocr_rollout.stores.deltas import CountDelta

SLACK_S = 3_600  # how much later than `prune` would Redis itself lets things go


def ttl(expires_s: float, at_s: float) -> str:
    """Seconds on Redis's own clock, from two times on the caller's."""
    return str(max(0, math.ceil(expires_s - at_s)) + SLACK_S)


def rows(deltas: Iterable[CountDelta], at_s: float) -> list[tuple[Any, ...]]:
    return [
        (
            delta.series,
            str(delta.start_s),
            str(delta.expires_s),
            ttl(delta.expires_s, at_s),
            [part for name, value in delta.counts.items() for part in (name, str(value))],
        )
        for delta in deltas
    ]
