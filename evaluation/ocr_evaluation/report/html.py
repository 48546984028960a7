"""The report as one page: no script, nothing from elsewhere, and whatever came from users is text."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from .blocks import (
    Answer,
    Beside,
    Block,
    Dispute,
    Document,
    Figure,
    Heading,
    Legend,
    Listing,
    Listings,
    Orders,
    Side,
    Table,
    Text,
)
from .marking import Part

_STYLE: Final = Path(__file__).with_name("style.css")
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_LANGUAGES: Final = {"en": "en", "zh": "zh-CN"}
_MARKS: Final = {"changed": "mark", "missing": "del", "added": "ins"}


def page(document: Document) -> str:
    title = text(document.title)
    return "\n".join(
        [
            "<!doctype html>",
            f'<html lang="{_LANGUAGES[document.language]}">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="referrer" content="no-referrer">',
            f"<title>{title}</title>",
            f"<style>\n{_STYLE.read_text(encoding='utf-8')}</style>",
            "</head>",
            "<body>",
            "<main>",
            f'<header><h1>{title}</h1><p class="quiet">{text(document.made)}</p></header>',
            *_sections(document.blocks),
            "</main>",
            "</body>",
            "</html>",
            "",
        ]
    )


def text(said: str) -> str:
    """Never markup. Control characters are shown as their pictures, halves of characters as such."""
    return html.escape("".join(map(_visible, said)), quote=True)


def _visible(character: str) -> str:
    if character in "\t\n":
        return " "
    kind = unicodedata.category(character)
    if kind == "Cs":
        return "\ufffd"
    if kind != "Cc":
        return character
    return chr(0x2400 + ord(character)) if ord(character) < 0x20 else "\ufffd"


def _sections(blocks: Iterable[Block]) -> Iterator[str]:
    """Each heading begins one; disagreements are a list of their own within it."""
    inside = listed = False
    for block in blocks:
        if listed and not isinstance(block, Dispute):
            yield "</ol>"
            listed = False
        if isinstance(block, Heading):
            if inside:
                yield "</section>"
            inside = True
            yield f"<section><h2>{text(block.text)}</h2>"
            continue
        if isinstance(block, Dispute) and not listed:
            yield '<ol class="disputes">'
            listed = True
        yield _block(block)
    if listed:
        yield "</ol>"
    if inside:
        yield "</section>"


def _block(block: Block) -> str:  # noqa: PLR0911  # one for each kind
    if isinstance(block, Text):
        return f"<p{_class(block.tone)}>{text(block.text)}</p>"
    if isinstance(block, Answer):
        return _answer(block)
    if isinstance(block, Listings):
        return f'<div class="sides">{"".join(map(_listing, block.parts))}</div>'
    if isinstance(block, Orders):
        return _orders(block)
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Beside):
        shown = (_table(one) if isinstance(one, Table) else _figure(one) for one in block.parts)
        return f'<div class="beside">{"".join(shown)}</div>'
    if isinstance(block, Dispute):
        return _dispute(block)
    if isinstance(block, Legend):
        return _legend(block)
    raise TypeError(f"{type(block).__name__} stands alone nowhere")


def _class(*names: str) -> str:
    said = " ".join(filter(None, names))
    return f' class="{said}"' if said else ""


def _answer(block: Answer) -> str:
    about = " ".join(map(text, block.about))
    return (
        f'<div class="answer {block.tone}"><p class="question">{text(block.question)}</p>'
        f'<p class="recommended">{text(block.recommended)}</p><p>{text(block.why)}</p>'
        f'<p class="quiet">{about}</p></div>'
    )


def _listing(block: Listing) -> str:
    items = "".join(
        f"<li{_class('blocks' if blocks else '')}>"
        f"{f'<b>{text(block.flag)}</b> ' if blocks else ''}{text(said)}</li>"
        for said, blocks in block.items
    )
    shown = f"<ul>{items}</ul>" if items else f'<p class="quiet">{text(block.nothing)}</p>'
    return f'<div class="side {block.tone}"><h2>{text(block.title)}</h2>{shown}</div>'


def _orders(block: Orders) -> str:
    rows = "".join(
        f"<dt>{text(said)}</dt><dd><code>{text(command)}</code></dd>"
        for said, command in block.commands
    )
    return f'<div class="orders"><h2>{text(block.title)}</h2><dl>{rows}</dl></div>'


def _table(block: Table) -> str:
    tones = block.tones or [""] * len(block.rows)
    rows = [_row("td", row, block.words, tone) for row, tone in zip(block.rows, tones, strict=True)]
    head = _row("th", block.head, block.words, "")
    return (
        f'<div class="scroll"><table><thead>{head}</thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _row(tag: str, cells: Iterable[str], words: frozenset[int], tone: str) -> str:
    shown = "".join(
        f"<{tag}{_class('words' if k in words else '')}>{text(cell)}</{tag}>"
        for k, cell in enumerate(cells)
    )
    return f"<tr{_class(tone)}>{shown}</tr>"


def _figure(one: Figure) -> str:
    if one.drawing is None:
        return f'<figure><h3>{text(one.title)}</h3><p class="warn">{text(one.nothing)}</p></figure>'
    label = f'<svg role="img" aria-label="{text(one.title)}"'
    return (
        f"<figure><h3>{text(one.title)}</h3>{one.drawing.replace('<svg', label, 1)}"
        f"<figcaption>{text(one.about)}</figcaption></figure>"
    )


def _dispute(block: Dispute) -> str:
    if block.picture is None:
        picture = f'<p class="warn">{text(block.no_picture)}</p>'
    else:
        one = block.picture
        picture = (
            f'<img src="{one.address}" width="{one.width}" height="{one.height}"'
            f' alt="{text(block.alt)}">'
        )
    sides = "".join(_side(side, block.parts) for side in block.sides)
    edits = "".join(f"<li><bdi>{text(edit)}</bdi></li>" for edit in block.edits)
    notes = "".join(f"<li><bdi>{text(note)}</bdi></li>" for note in block.notes)
    return (
        f'<li class="dispute">{picture}<dl>{sides}</dl>'
        f'<ul class="edits">{edits}</ul><ul class="notes">{notes}</ul></li>'
    )


def _side(side: Side, parts: Iterable[Part]) -> str:
    said = "".join(_part(part, getattr(part, side.role)) for part in parts)
    shown = f"<bdi>{said}</bdi>" if said else f"<em>{text(side.empty)}</em>"
    return f'<dt class="{side.role}">{text(side.arm)}</dt><dd>{shown}</dd>'


def _part(part: Part, said: str) -> str:
    """What one text lacks is left out of it; the other one shows it."""
    if part.kind == "same" or not said:
        return text(said)
    tag = _MARKS[part.kind]
    return f"<{tag}>{text(said)}</{tag}>"


def _legend(block: Legend) -> str:
    words = {kind: getattr(block, kind) for kind in _MARKS}
    shown = text(block.text)
    for kind, tag in _MARKS.items():
        shown = shown.replace(f"{{{kind}}}", f"<{tag}>{text(words[kind])}</{tag}>")
    return f'<p class="quiet">{shown}</p>'
