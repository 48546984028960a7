"""hOCR 1.2: pages, blocks, lines and words in XHTML, with boxes and confidences."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import IO

from ocr_client.pages.words import Word, words_of
from ocr_client.results import Block, Box, ReadLine

from .entry import Entry, Failure
from .xml import attribute, text, whole

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml">
<head>
<title></title>
<meta http-equiv="Content-Type" content="text/html; charset=utf-8"/>
<meta name="ocr-system" content="ocr-rollout"/>
<meta name="ocr-capabilities" content="ocr_page ocr_carea ocr_par ocr_line ocrx_word ocrp_wconf ocr_title ocr_table ocr_image ocr_header ocr_footer"/>
</head>
<body>
"""


# What a block is, where hOCR has a word for it; it stands beside the class that all of them have.
_KINDS = {
    "title": " ocr_title",
    "table": " ocr_table",
    "figure": " ocr_image",
    "header": " ocr_header",
    "footer": " ocr_footer",
}


class HocrWriter:
    """One document with all pages."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._pages = itertools.count(1)
        stream.write(_HEAD.encode())

    def page(self, entry: Entry) -> None:
        self._stream.write("".join(_page(entry, next(self._pages))).encode())

    def failed(self, failure: Failure) -> None:
        """Nothing is shown in its place."""

    def close(self) -> None:
        self._stream.write(b"</body>\n</html>\n")


def _page(entry: Entry, page: int) -> Iterator[str]:
    read = entry.read
    image = entry.place.file.replace('"', "'")
    box = (0.0, 0.0, float(read.width), float(read.height))
    title = f'image "{image}"; {_bbox(box)}; ppageno {entry.place.number - 1}'
    yield f"<div class='ocr_page' id='page_{page}' title={attribute(title)}>\n"
    for number, block in enumerate(read.blocks, 1):
        yield from _block(block, read.lines, f"{page}_{number}")
    yield "</div>\n"


def _block(block: Block, lines: tuple[ReadLine, ...], name: str) -> Iterator[str]:
    title = _bbox(block.box)
    kind = _KINDS.get(block.kind, "")
    yield f"<div class='ocr_carea{kind}' id='block_{name}' title='{title}'>\n"
    if block.kind == "figure":
        yield "</div>\n"
        return
    yield f"<p class='ocr_par' id='par_{name}' title='{title}'>\n"
    for number, place in enumerate(block.lines, 1):
        line = lines[place]
        facts = f"{_bbox(line.box)}; x_wconf {line.confidence * 100:.0f}"
        if line.vertical:
            facts += "; textangle 90"
        yield f"<span class='ocr_line' id='line_{name}_{number}' title='{facts}'>"
        for count, word in enumerate(words_of(line), 1):
            yield _word(word, f"{name}_{number}_{count}")
        yield "</span>\n"
    yield "</p>\n</div>\n"


def _word(word: Word, name: str) -> str:
    facts = f"{_bbox(word.box)}; x_wconf {word.confidence * 100:.0f}"
    written = f"<span class='ocrx_word' id='word_{name}' title='{facts}'>{text(word.text)}</span>"
    return written + (" " if word.spaced else "")


def _bbox(box: Box) -> str:
    return "bbox " + " ".join(map(str, whole(box)))
