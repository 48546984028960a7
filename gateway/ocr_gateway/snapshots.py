"""What each worker process has counted, where the others can read it.

One socket serves for all workers, so a scrape reaches any of them. Each writes what it has counted
into a file of its own every second, and a scrape puts the files together (`merged`). A file outlives
its process: what was counted stays counted, and no counter ever goes back.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import secrets
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from .families import BY_SERIES, Family

# Seconds after which a process that has not written is taken for gone. It writes each second.
GONE_S: Final = 10.0

Labels = tuple[tuple[str, str], ...]  # by name


@dataclasses.dataclass(frozen=True)
class Sample:
    """value: of `name{labels}`."""

    name: str
    labels: Labels
    value: float

    @classmethod
    def of(cls, name: str, value: float, labels: Mapping[str, str] | None = None) -> Sample:
        return cls(name, tuple(sorted((labels or {}).items())), float(value))


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """Of one process. at_s: when, on the monotonic clock, which all processes of a host share."""

    at_s: float
    samples: tuple[Sample, ...]

    def encode(self) -> str:
        rows = [(sample.name, sample.labels, sample.value) for sample in self.samples]
        return json.dumps([self.at_s, rows])

    @classmethod
    def decode(cls, text: str) -> Snapshot:
        at_s, rows = json.loads(text)
        samples = (
            Sample(name, tuple((key, value) for key, value in labels), value)
            for name, labels, value in rows
        )
        return cls(at_s, tuple(samples))


def merged(snapshots: Iterable[Snapshot], now_s: float) -> dict[Family, list[Sample]]:
    """One value of each series over all processes; a series without a family is left out. Pure.

    Processes that are gone have no gauges any more, but what they counted is part of every sum.
    """
    found: dict[Family, dict[tuple[str, Labels], float]] = {}
    ordered = sorted(snapshots, key=lambda snapshot: snapshot.at_s)
    for snapshot in ordered:
        lives = now_s - snapshot.at_s <= GONE_S
        seen: set[Family] = set()
        for sample in snapshot.samples:
            family = BY_SERIES.get(sample.name)
            if family is None or not (lives or family.kind != "gauge"):
                continue
            values = found.setdefault(family, {})
            if family.kind == "gauge" and family.over == "newest" and family not in seen:
                values.clear()  # with the labels that an older look had
            seen.add(family)
            key = sample.name, sample.labels
            values[key] = _together(family, values.get(key), sample.value)
    return {
        family: [Sample(name, labels, value) for (name, labels), value in values.items()]
        for family, values in found.items()
    }


def _together(family: Family, before: float | None, value: float) -> float:
    if before is None or (family.kind == "gauge" and family.over == "newest"):
        return value
    if family.kind == "gauge" and family.over in ("min", "max"):
        return min(before, value) if family.over == "min" else max(before, value)
    return before + value


class Place:
    """Where the workers of one service write. folder: None where there is only one worker."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        # Not the process's number alone: a later process may have the same one.
        self._own = f"{os.getpid()}-{secrets.token_hex(4)}"

    @property
    def shared(self) -> bool:
        return self._folder is not None

    def write(self, snapshot: Snapshot) -> None:
        """All at once, so that a reader never sees half of it. Raises OSError."""
        if self._folder is None:
            return
        part = self._folder / f"{self._own}.part"
        part.write_text(snapshot.encode(), encoding="utf-8")
        part.replace(self._folder / f"{self._own}.json")

    def others(self) -> list[Snapshot]:
        """Raises OSError."""
        if self._folder is None:
            return []
        return [
            Snapshot.decode(path.read_text(encoding="utf-8"))
            for path in sorted(self._folder.glob("*.json"))
            if path.stem != self._own
        ]


@contextlib.contextmanager
def shared_folder(workers: int) -> Iterator[Path | None]:
    """For the process that starts the workers; a new one each time, gone with it."""
    if workers == 1:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="ocr-serve-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def now_s() -> float:
    return time.monotonic()
