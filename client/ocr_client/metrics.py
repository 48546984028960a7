"""Counters and gauges, named as Prometheus names them; `report` has the list."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Final

_Key = tuple[str, tuple[tuple[str, str], ...]]
_ESCAPED: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


class Metrics:
    """Safe in threads. A count takes a microsecond; memory grows with distinct labels only."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[_Key, float] = {}

    def count(self, name: str, by: float = 1, **labels: str) -> None:
        """Adds to a counter. Its name ends in `_total`."""
        key = (name, tuple(labels.items()))
        with self._lock:
            self._values[key] = self._values.get(key, 0) + by

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Sets what may also fall."""
        with self._lock:
            self._values[name, tuple(labels.items())] = value

    def snapshot(self) -> dict[str, float]:
        """`name{label="value",...}` -> value, labels by name."""
        with self._lock:
            values = dict(self._values)
        return {series(name, dict(labels)): value for (name, labels), value in values.items()}


def series(name: str, labels: Mapping[str, str]) -> str:
    """A series as the Prometheus exposition format writes it."""
    if not labels:
        return name
    pairs = (f'{label}="{labels[label].translate(_ESCAPED)}"' for label in sorted(labels))
    return f"{name}{{{','.join(pairs)}}}"
