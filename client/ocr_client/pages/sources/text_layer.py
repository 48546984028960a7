"""Characters with their places, as a PDF holds them -> lines and blocks."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Final

from ocr_client.results import Character, Quad, ReadLine

Box = tuple[float, float, float, float]  # left, top, right, bottom

_ENDS: Final = "\r\n"
_APART: Final = 0.8  # of a line's height: a gap between two blocks
_SURROGATES: Final = range(0xD800, 0xE000)


def lines_of(characters: Iterable[tuple[str, Box]]) -> tuple[ReadLine, ...]:
    """In the order of the file. What is no character, or has no place, is left out.

    A line ends where the text says so, or goes back to the left.
    """
    lines: list[ReadLine] = []
    for row in _rows(characters):
        text = "".join(one for one, _ in row)
        if not text.strip():
            continue
        left, top, right, bottom = _around(box for _, box in row)
        block = lines[-1].block if lines else 0
        if lines and _is_apart(lines[-1].box, (left, top, right, bottom)):
            block += 1
        quad: Quad = ((left, top), (right, top), (right, bottom), (left, bottom))
        found = tuple(
            Character(one, 1.0, box[0], box[2], top, max(bottom, top + 1)) for one, box in row
        )
        lines.append(ReadLine(text, 1.0, found, quad, vertical=False, block=block))
    return tuple(lines)


def _rows(characters: Iterable[tuple[str, Box]]) -> Iterator[list[tuple[str, Box]]]:
    for ends, run in itertools.groupby(characters, key=lambda one: one[0] in _ENDS):
        if ends:
            continue
        kept = [(one, box) for one, box in run if one.isprintable() and ord(one) not in _SURROGATES]
        while kept and kept[0][0].isspace():
            del kept[0]
        while kept and kept[-1][0].isspace():
            del kept[-1]
        if kept:
            yield kept


def _around(boxes: Iterable[Box]) -> Box:
    sides = [box for box in boxes if box[2] > box[0]] or [(0.0, 0.0, 1.0, 1.0)]
    lefts, tops, rights, bottoms = zip(*sides, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def _is_apart(above: Box, below: Box) -> bool:
    height = max(1.0, min(above[3] - above[1], below[3] - below[1]))
    gap = below[1] - above[3]
    return gap > _APART * height or gap < -height
