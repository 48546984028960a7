"""HTML of what is on a page: headings, paragraphs, lists, tables with their spans."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import IO

from ocr_client.structure import Block, Cell, Table

from .entry import Entry, Failure
from .xml import text

_HEAD = """<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>%s</title>
<style>
body { max-width: 60rem; margin: 1rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; }
section + section { border-top: 1px solid; margin-top: 2rem; }
table { border-collapse: collapse; margin: 1rem 0; }
td { border: 1px solid #999; padding: 0.2rem 0.5rem; vertical-align: top; }
header, footer { color: #666; }
</style>
</head>
<body>
"""
_TAGS = {"title": "h2", "header": "header", "footer": "footer"}


class HtmlWriter:
    """One document with all pages, a section for each. The file of the first one is its title."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._begun = False

    def page(self, entry: Entry) -> None:
        self._begin(entry.place.file)
        parts = (part for block in entry.read.blocks for part in _block(block))
        title = text(entry.place.title).replace('"', "&quot;")
        body = "".join([*parts, *_fields(entry)])
        self._stream.write(f'<section title="{title}">\n{body}</section>\n'.encode())

    def failed(self, failure: Failure) -> None:
        """Nothing is shown in its place."""

    def close(self) -> None:
        self._begin("")
        self._stream.write(b"</body>\n</html>\n")

    def _begin(self, file: str) -> None:
        if not self._begun:
            self._stream.write((_HEAD % text(file)).encode())
        self._begun = True


def _fields(entry: Entry) -> Iterator[str]:
    if entry.read.fields:
        yield "<dl>\n"
        for field in entry.read.fields:
            yield f"<dt>{text(field.name)}</dt><dd>{text(field.value)}</dd>\n"
        yield "</dl>\n"


def _block(block: Block) -> Iterator[str]:
    if block.kind == "figure":
        yield "<!-- a figure -->\n"
    elif block.table is not None:
        yield from _table(block.table)
    elif block.kind == "list":
        yield "<ul>\n"
        yield from (f"<li>{text(item)}</li>\n" for item in block.items)
        yield "</ul>\n"
    else:
        tag = _TAGS.get(block.kind, "p")
        yield f"<{tag}>{text(block.text)}</{tag}>\n"


def _table(table: Table) -> Iterator[str]:
    starts = {(cell.row, cell.column): cell for cell in table.cells}
    covered = {
        place
        for cell in table.cells
        for place in itertools.product(
            range(cell.row, cell.row + cell.rows), range(cell.column, cell.column + cell.columns)
        )
    }
    yield "<table>\n"
    for row in range(table.rows):
        yield "<tr>"
        for column in range(table.columns):
            cell = starts.get((row, column))
            if cell is not None:
                yield _cell(cell)
            elif (row, column) not in covered:
                yield "<td></td>"
        yield "</tr>\n"
    yield "</table>\n"


def _cell(cell: Cell) -> str:
    spans = f' rowspan="{cell.rows}"' if cell.rows > 1 else ""
    spans += f' colspan="{cell.columns}"' if cell.columns > 1 else ""
    return f"<td{spans}>{text(cell.text)}</td>"
