"""ALTO 4: pages, blocks, lines and words as libraries and archives keep them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import IO

from ocr_client.pages.words import words_of
from ocr_client.results import Block, Box, Quad, ReadLine

from .entry import Entry, Failure
from .xml import attribute, text, whole

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://www.loc.gov/standards/alto/ns-v4# http://www.loc.gov/standards/alto/v4/alto-4-4.xsd" SCHEMAVERSION="4.4">
<Description>
<MeasurementUnit>pixel</MeasurementUnit>
<sourceImageInformation><fileName>%s</fileName></sourceImageInformation>
<Processing ID="read"><processingSoftware><softwareName>ocr-rollout</softwareName></processingSoftware></Processing>
</Description>
<Tags>
%s</Tags>
<Layout>
"""
# A figure is an Illustration, a table a ComposedBlock; the others say what they are by a tag.
_TAGGED = ("title", "list", "header", "footer")
_TAGS = "".join(f'<LayoutTag ID="kind_{kind}" LABEL="{kind}"/>\n' for kind in _TAGGED)


class AltoWriter:
    """One document with all pages. The file of the first one stands in its head."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._pages = itertools.count(1)
        self._begun = False

    def page(self, entry: Entry) -> None:
        self._begin(entry.place.file)
        self._stream.write("".join(_page(entry, next(self._pages))).encode())

    def failed(self, failure: Failure) -> None:
        """Nothing is shown in its place."""

    def close(self) -> None:
        self._begin("")
        self._stream.write(b"</Layout>\n</alto>\n")

    def _begin(self, file: str) -> None:
        if not self._begun:
            self._stream.write((_HEAD % (text(file), _TAGS)).encode())
        self._begun = True


def _page(entry: Entry, page: int) -> Iterator[str]:
    read = entry.read
    size = f'WIDTH="{read.width}" HEIGHT="{read.height}"'
    turn = f' ROTATION="{read.turned}"' if read.turned else ""
    yield f'<Page ID="page_{page}" PHYSICAL_IMG_NR="{entry.place.number}" {size}>\n'
    yield f'<PrintSpace HPOS="0" VPOS="0" {size}>\n'
    for number, block in enumerate(read.blocks, 1):
        yield from _block(block, read.lines, f"{page}_{number}", turn)
    yield "</PrintSpace>\n</Page>\n"


def _block(block: Block, lines: tuple[ReadLine, ...], name: str, turn: str) -> Iterator[str]:
    if block.kind == "figure":
        yield f'<Illustration ID="block_{name}" {_place(block.box)}/>\n'
    elif block.kind == "table":
        yield f'<ComposedBlock ID="table_{name}" TYPE="table" {_place(block.box)}>\n'
        yield from _text_block(block, lines, name, turn)
        yield "</ComposedBlock>\n"
    else:
        yield from _text_block(block, lines, name, turn)


def _text_block(block: Block, lines: tuple[ReadLine, ...], name: str, turn: str) -> Iterator[str]:
    tag = f' TAGREFS="kind_{block.kind}"' if block.kind in _TAGGED else ""
    yield f'<TextBlock ID="block_{name}" {_place(block.box)}{turn}{tag}>\n'
    for number, place in enumerate(block.lines, 1):
        line = lines[place]
        yield f'<TextLine ID="line_{name}_{number}" {_place(line.box)}>'
        yield f'<Shape><Polygon POINTS="{_points(line.quad)}"/></Shape>'
        for count, word in enumerate(words_of(line), 1):
            yield (
                f'<String ID="word_{name}_{number}_{count}" {_place(word.box)} '
                f'CONTENT={attribute(word.text)} WC="{min(1.0, word.confidence):.4f}"/>'
            )
            if word.spaced:
                yield "<SP/>"
        yield "</TextLine>\n"
    yield "</TextBlock>\n"


def _place(box: Box) -> str:
    left, top, right, bottom = whole(box)
    return f'HPOS="{left}" VPOS="{top}" WIDTH="{right - left}" HEIGHT="{bottom - top}"'


def _points(quad: Quad) -> str:
    return " ".join(f"{round(max(0.0, x))},{round(max(0.0, y))}" for x, y in quad)
