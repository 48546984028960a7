"""CSV for spreadsheets: the tables of all pages, one below the other."""

from __future__ import annotations

import csv
import io
import re
from typing import IO, Final

from .entry import Entry, Failure

_MARK: Final = "\ufeff"  # without it Excel takes UTF-8 for the code page of the country
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
_NUMBER: Final = re.compile(r"^[+-]?\d[\d\s.,]*%?$")


class CsvWriter:
    """RFC 4180 in UTF-8 with a byte order mark; an empty row between two tables."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._begun = False

    def page(self, entry: Entry) -> None:
        tables = [block.table for block in entry.read.blocks if block.table is not None]
        text = io.StringIO()
        rows = csv.writer(text)
        for table in tables:
            if self._begun:
                rows.writerow([])
            else:
                text.write(_MARK)
            rows.writerows([list(map(guarded, row)) for row in table.grid()])
            self._begun = True
        self._stream.write(text.getvalue().encode("utf-8", "backslashreplace"))

    def failed(self, failure: Failure) -> None:
        """Nothing is shown in its place."""

    def close(self) -> None:
        """Nothing is left to say."""


def guarded(text: str) -> str:
    """What a spreadsheet would compute begins with an apostrophe: whoever wrote the page must not
    run anything where it is opened. Plain numbers stay as they are.
    """
    if text.startswith(_FORMULA) and not _NUMBER.match(text):
        return f"'{text}"
    return text
