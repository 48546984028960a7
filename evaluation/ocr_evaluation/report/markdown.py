"""The report as Markdown: every figure and sentence, without drawings and pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ocr_evaluation.ab_report import cell, table

from .blocks import (
    Answer,
    Beside,
    Block,
    Dispute,
    Document,
    Heading,
    Legend,
    Listings,
    Orders,
    Table,
    Text,
)
from .marking import Part

_MARKS = {"changed": ("{", "}"), "missing": ("-", "-"), "added": ("+", "+")}


def markdown(document: Document) -> str:
    parts = [f"# {cell(document.title)}", cell(document.made)]
    for block in document.blocks:
        parts += _first(block) if isinstance(block, Answer | Listings | Orders) else _further(block)
    return "\n\n".join(parts) + "\n"


def _first(block: Answer | Listings | Orders) -> Iterator[str]:
    if isinstance(block, Answer):
        yield cell(block.question)
        yield f"## {cell(block.recommended)}"
        yield " ".join(map(cell, (block.why, *block.about)))
    elif isinstance(block, Listings):
        for part in block.parts:
            yield f"### {cell(part.title)}"
            flag = f"**{cell(part.flag)}** "
            yield (
                _list(f"{flag if blocks else ''}{cell(said)}" for said, blocks in part.items)
                or cell(part.nothing)
            )
    else:
        yield f"### {cell(block.title)}"
        yield "\n".join(f"    {command}    # {said}" for said, command in block.commands)


def _further(block: Block) -> Iterator[str]:
    if isinstance(block, Heading):
        yield f"## {cell(block.text)}"
    elif isinstance(block, Text):
        yield _loud(block.text) if block.tone in {"warn", "bad"} else cell(block.text)
    elif isinstance(block, Table):
        yield table(block.head, block.rows)
    elif isinstance(block, Beside):
        for one in block.parts:
            if isinstance(one, Table):
                yield table(one.head, one.rows)
            elif one.drawing is None:
                yield _loud(one.nothing)
    elif isinstance(block, Legend):
        words = {kind: _marked(kind, getattr(block, kind)) for kind in _MARKS}
        yield cell(block.text.format(**words))
    elif isinstance(block, Dispute):
        yield _dispute(block)


def _loud(said: str) -> str:
    return f"**{cell(said)}**"


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _dispute(block: Dispute) -> str:
    lines = [f"{block.number}. {cell('; '.join((*block.edits, *block.notes)))}"]
    for side in block.sides:
        said = "".join(_part(part, getattr(part, side.role)) for part in block.parts)
        lines.append(f"   - {cell(side.arm)}: {cell(said or side.empty)}")
    return "\n".join(lines)


def _part(part: Part, said: str) -> str:
    return said if part.kind == "same" or not said else _marked(part.kind, said)


def _marked(kind: str, said: str) -> str:
    begin, end = _MARKS[kind]
    return f"{begin}{said}{end}"
