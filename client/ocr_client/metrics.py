"""Counters, gauges and histograms, named as Prometheus names them; `report` has the list."""

from __future__ import annotations

import re
import threading
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Final

# Upper edges of a histogram of latencies, in seconds: a line takes some 10 ms, a deadline is 10 s.
EDGES_S: Final = (0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
_Key = tuple[str, tuple[tuple[str, str], ...]]
_INFINITE: Final = "+Inf"
_PAIR: Final = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_UNESCAPE: Final = re.compile(r"\\(.)")
_ESCAPED: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


class Metrics:
    """Safe in threads. A count takes a microsecond; memory grows with distinct labels only."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[_Key, float] = {}
        self._observed: dict[_Key, _Observed] = {}

    def count(self, name: str, by: float = 1, **labels: str) -> None:
        """Adds to a counter. Its name ends in `_total`."""
        key = (name, tuple(labels.items()))
        with self._lock:
            self._values[key] = self._values.get(key, 0) + by

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Sets what may also fall."""
        with self._lock:
            self._values[name, tuple(labels.items())] = value

    def observe(self, name: str, value_s: float, **labels: str) -> None:
        """Counts one duration in a histogram. Its name ends in `_seconds`."""
        key = (name, tuple(labels.items()))
        with self._lock:
            self._observed.setdefault(key, _Observed()).add(value_s)

    def snapshot(self) -> dict[str, float]:
        """`name{label="value",...}` -> value, labels by name."""
        with self._lock:
            values = dict(self._values)
            observed = [
                (name, dict(labels), tuple(found.cumulated()), found.sum_s)
                for (name, labels), found in self._observed.items()
            ]
        told = {series(name, dict(labels)): value for (name, labels), value in values.items()}
        for name, own, counts, sum_s in observed:
            for edge, count in counts:
                told[series(f"{name}_bucket", {**own, "le": edge})] = count
            told[series(f"{name}_count", own)] = counts[-1][1]
            told[series(f"{name}_sum", own)] = sum_s
        return told


class _Observed:
    """One histogram: how many durations in each bin, and their sum."""

    __slots__ = ("counts", "sum_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(EDGES_S) + 1)
        self.sum_s = 0.0

    def add(self, value_s: float) -> None:
        self.counts[bisect_left(EDGES_S, value_s)] += 1
        self.sum_s += value_s

    def cumulated(self) -> Iterator[tuple[str, int]]:
        """(upper edge, how many are not above it)."""
        total = 0
        for edge, count in zip((*map(str, EDGES_S), _INFINITE), self.counts, strict=True):
            total += count
            yield edge, total


def series(name: str, labels: Mapping[str, str]) -> str:
    """A series as the Prometheus exposition format writes it."""
    if not labels:
        return name
    pairs = (f'{label}="{labels[label].translate(_ESCAPED)}"' for label in sorted(labels))
    return f"{name}{{{','.join(pairs)}}}"


def parsed(told: str) -> tuple[str, dict[str, str]]:
    """What `series` made: name and labels."""
    name, _, rest = told.partition("{")
    return name, {key: _UNESCAPE.sub(_meant, value) for key, value in _PAIR.findall(rest)}


def _meant(escape: re.Match[str]) -> str:
    return "\n" if escape[1] == "n" else escape[1]
