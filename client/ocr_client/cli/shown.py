"""Answers for people: lines as a table at the end, pages as they come."""

from __future__ import annotations

import sys

from ocr_client.pages.formats import Entry
from ocr_client.pages.sources.layer import LayerPage
from ocr_client.results import LineResult, PageResult

from .table import print_table, results_table


class Shown:
    """decided: whether the images decided by themselves if they are lines, so that it is said."""

    def __init__(self, *, decided: bool) -> None:
        self._decided = decided
        self._rows: list[tuple[str, LineResult]] = []

    def add(self, entry: Entry) -> None:
        read = entry.read
        if isinstance(read, PageResult) and read.mode == "line":
            self._rows.append((entry.place.title, read))
            return
        print(f"{entry.place.title}: {_told(read)}")
        if read.text:
            print(_writable(read.text))
        for field in read.fields:
            print(_writable(f"  {field.name}: {field.value}"))
        print(flush=True)

    def end(self) -> None:
        if self._rows:
            print_table(results_table(self._rows, mode="line" if self._decided else None))


def _told(read: PageResult | LayerPage) -> str:
    count = f"{len(read.lines)} line{'' if len(read.lines) == 1 else 's'}"
    if isinstance(read, LayerPage):
        return f"{count} from the text layer of the PDF"
    if not read.lines:
        return f"no text ({read.mode_reason})"
    turned = f", turned by {read.turned} degrees" if read.turned else ""
    stood_in = ", rescued" if read.rescued else ", fell back" if read.fell_back else ""
    return (
        f"page, {count}{turned}, confidence {read.confidence:.3f}, "
        f"{read.arm}{stood_in}, {read.time_ms:,.0f} ms"
    )


def _writable(text: str) -> str:
    """What the terminal's encoding takes."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
