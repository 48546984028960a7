"""How the demonstration tells its story: lines with the time, one line that moves, a table."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence
from typing import Final

STEADY_S: Final = 5.0  # between two lines of progress where no line can move
_BAR: Final = 20


class Story:
    """To stdout. On a terminal progress is a line that changes in place."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._moves = sys.stdout.isatty()
        self._moving = ""
        self._last_progress = -STEADY_S

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._started

    def title(self, text: str) -> None:
        self._line(f"\n{text}\n{'-' * len(text)}")

    def say(self, text: str) -> None:
        """One line with the seconds since the beginning before it."""
        self._line(f"{self.elapsed_s:6.1f} s  {text}")

    def more(self, text: str) -> None:
        """What belongs to the line before, indented."""
        for line in text.splitlines():
            self._line(f"          {line}")

    def plain(self, text: str) -> None:
        self._line(text)

    def progress(self, share: float, text: str) -> None:
        """share: 0..1 of the way."""
        filled = round(_BAR * min(max(share, 0.0), 1.0))
        line = f"{self.elapsed_s:6.1f} s  [{'#' * filled}{'.' * (_BAR - filled)}] {text}"
        if self._moves:
            line = line[: shutil.get_terminal_size().columns - 1]  # a longer one would not move
            print(f"\r{line:<{len(self._moving)}}", end="", flush=True)
            self._moving = line
        elif time.monotonic() - self._last_progress >= STEADY_S:
            self._last_progress = time.monotonic()
            print(line, flush=True)

    def clear(self) -> None:
        """Takes the line that moves away."""
        if self._moving:
            print(f"\r{' ' * len(self._moving)}\r", end="", flush=True)
            self._moving = ""

    def _line(self, text: str) -> None:
        self.clear()
        self._last_progress = time.monotonic()
        print(text, flush=True)


def plural(count: int, word: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{count} {word}{'s' * (count != 1)}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they need; all but the first are set to the right."""
    widths = [max(len(row[k]) for row in [head, *rows]) for k in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        first, *others = zip(cells, widths, strict=True)
        return "  ".join(
            [first[0].ljust(first[1]), *(text.rjust(width) for text, width in others)]
        ).rstrip()

    return "\n".join([line(head), line(["-" * width for width in widths]), *map(line, rows)])
