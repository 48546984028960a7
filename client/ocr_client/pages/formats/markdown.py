"""Markdown: headings, paragraphs, lists, and tables as GitHub and most others read them."""

from __future__ import annotations

import re
from typing import IO, Final

from ocr_client.structure import Block, Field, Table

from .entry import Entry, Failure
from .plain import put

# What Markdown would take for its own; at the beginning of a paragraph more than elsewhere.
_ANYWHERE: Final = re.compile(r"([\\`*_\[\]<>|~])")
_AT_FIRST: Final = re.compile(r"^([#+=-]|\d+(?=[.)]))")
# Where an item was read without the space behind its number, Markdown wants one.
_NUMBERED: Final = re.compile(r"^(\d{1,3}[.)])(?:\s+|(?=[^\d\s]))")


class MarkdownWriter:
    """A rule between pages, and a comment that says which page it is."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._begun = False

    def page(self, entry: Entry) -> None:
        title = entry.place.title.replace("--", "- -").replace(">", "")
        parts = [f"<!-- {title} -->", *filter(None, map(_written, entry.read.blocks))]
        if entry.read.fields:
            parts.append("\n".join(_field(field) for field in entry.read.fields))
        if self._begun:
            parts[:0] = ["", "---"]
        put(self._stream, "\n\n".join(parts) + "\n")
        self._begun = True

    def failed(self, failure: Failure) -> None:
        """Nothing is shown in its place."""

    def close(self) -> None:
        """Nothing is left to say."""


def _written(block: Block) -> str:
    if block.kind == "figure":
        return "<!-- a figure -->"
    if block.table is not None:
        return _table(block.table)
    if block.kind == "list":
        return "\n".join(map(_item, block.items))
    text = _inline(block.text)
    return f"## {text}" if block.kind == "title" else _AT_FIRST.sub(_divided, text)


def _field(field: Field) -> str:
    return f"- **{_inline(field.name)}**: {_inline(field.value)}"


def _item(text: str) -> str:
    """Numbered ones keep their number, where Markdown has such numbers."""
    found = _NUMBERED.match(text)
    rest = _inline(text[found.end() :] if found else text)
    return f"{found[1] if found else '-'} {_AT_FIRST.sub(_divided, rest)}"


def _table(table: Table) -> str:
    """The first row is its head: without one it would be no table. Spans are not to be had."""
    rows = [f"| {' | '.join(map(_inline, row))} |" for row in table.grid()]
    rows.insert(1, f"|{' --- |' * table.columns}")
    return "\n".join(rows)


def _inline(text: str) -> str:
    return _ANYWHERE.sub(r"\\\1", text)


def _divided(found: re.Match[str]) -> str:
    """A list's number is escaped behind it."""
    return f"{found[1]}\\" if found[1][0].isdigit() else f"\\{found[1]}"
