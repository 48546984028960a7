"""Memory and open files of every process of a soak, looked at from outside, again and again."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from . import processes

if TYPE_CHECKING:
    from typing_extensions import Self

EVERY_S: Final = 2.0
YOUNG_S: Final = 15.0  # a process younger than this has not taken what it needs yet
# Of the time: when memory is taken as the level to stay at, and when it is looked at again.
EARLY: Final = (0.15, 0.35)
LATE: Final = (0.8, 1.0)

Pids = Callable[[], Mapping[str, int]]


@dataclasses.dataclass(frozen=True)
class Look:
    """at_s: since the beginning. age_s: since the process was first seen."""

    at_s: float
    age_s: float
    pid: int
    resident: int
    files: int


@dataclasses.dataclass(frozen=True)
class Course:
    """Of one role. early, late: medians, bytes and files; None where it was too young all the time.

    highest: of all looks. processes: how many there were after each other.
    """

    role: str
    early: float | None
    late: float | None
    highest: int
    early_files: float | None
    late_files: float | None
    most_files: int
    processes: int

    @property
    def growth(self) -> float | None:
        """Of memory, 0.05 is 5 %."""
        if self.early is None or self.late is None:
            return None
        return self.late / self.early - 1

    @property
    def more_files(self) -> float | None:
        if self.early_files is None or self.late_files is None:
            return None
        return self.late_files - self.early_files

    def to_dict(self) -> dict[str, Any]:
        return {**dataclasses.asdict(self), "growth": self.growth}


class Watch:
    """Looks while the `with` block lasts. pids: role -> process, now."""

    def __init__(self, pids: Pids) -> None:
        self._pids = pids
        self._began_s = time.monotonic()
        self._ended = threading.Event()
        self._looks: dict[str, list[Look]] = {}
        self._first: dict[int, float] = {}
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def courses(self) -> list[Course]:
        return [course(role, looks) for role, looks in sorted(self._looks.items())]

    def _run(self) -> None:
        while not self._ended.wait(EVERY_S):
            with contextlib.suppress(Exception):
                self._look()

    def _look(self) -> None:
        now_s = time.monotonic() - self._began_s
        for role, pid in self._pids().items():
            first_s = self._first.setdefault(pid, now_s)
            with contextlib.suppress(OSError, ValueError):
                look = Look(
                    now_s, now_s - first_s, pid, processes.memory(pid), processes.open_files(pid)
                )
                self._looks.setdefault(role, []).append(look)


def course(role: str, looks: list[Look]) -> Course:
    """Pure. At least one look."""
    end_s = looks[-1].at_s
    grown = [look for look in looks if look.age_s >= YOUNG_S]

    def within(span: tuple[float, float]) -> list[Look]:
        return [look for look in grown if span[0] * end_s <= look.at_s <= span[1] * end_s]

    early, late = within(EARLY), within(LATE)
    return Course(
        role,
        _median([look.resident for look in early]),
        _median([look.resident for look in late]),
        max(look.resident for look in looks),
        _median([look.files for look in early]),
        _median([look.files for look in late]),
        max(look.files for look in looks),
        len({look.pid for look in looks}),
    )


def _median(values: list[int]) -> float | None:
    return float(np.median(values)) if values else None
