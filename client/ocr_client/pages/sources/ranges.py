"""`--pages 1-3,7`: which pages of a file."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from ocr_client.errors import PageError

ACCEPTED = "numbers and ranges from 1 on, e.g. 1-3,7 or 10-"


@dataclasses.dataclass(frozen=True)
class PageRanges:
    """parts: first and last page of each, 1 and up; None: the last page of the file."""

    parts: tuple[tuple[int, int | None], ...]

    @classmethod
    def parse(cls, text: str) -> PageRanges:
        """Raises ValueError saying what is accepted."""
        return cls(tuple(map(_part, text.split(","))))

    def numbers(self, count: int) -> Iterator[int]:
        """Those that are there, ascending, each once."""
        inside = [(first, min(last or count, count)) for first, last in self.parts]
        done = 0
        for first, last in sorted(inside):
            yield from range(max(first, done + 1), last + 1)
            done = max(done, last)


def asked_for(wanted: PageRanges | None, file: str, count: int) -> Iterator[int]:
    """Numbers of the wanted pages, all where it is None. Raises PageError where none is there."""
    numbers = range(1, count + 1) if wanted is None else wanted.numbers(count)
    number = None
    for number in numbers:
        yield number
    if number is None:
        pages = f"{count:,} page{'' if count == 1 else 's'}"
        raise PageError.at(file, f"has {pages}, none of those asked for")


def _part(text: str) -> tuple[int, int | None]:
    first, dash, last = text.strip().partition("-")
    if not _is_number(first) or not (_is_number(last) or (dash and not last) or not dash):
        raise ValueError(f"{text!r} is not accepted; accepted: {ACCEPTED}")
    end = int(first) if not dash else int(last) if last else None
    if end is not None and end < int(first):
        raise ValueError(f"{text!r} ends before it begins; accepted: {ACCEPTED}")
    return int(first), end


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < len(text) <= 9 and int(text) > 0
