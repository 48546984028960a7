"""Lines in reading order -> the text of a page, and of a block."""

from __future__ import annotations

import itertools
import math
import unicodedata
from collections.abc import Iterable, Iterator

from ocr_client.results import ReadLine


def page_text(lines: Iterable[ReadLine]) -> str:
    """The rows with a line feed between them, the blocks with an empty line."""
    blocks = itertools.groupby(lines, key=lambda line: line.block)
    return "\n\n".join("\n".join(_rows(block)) for _, block in blocks)


def block_text(lines: Iterable[ReadLine]) -> str:
    """Of one block, as running text."""
    return running_text(_rows(lines))


def running_text(lines: Iterable[str]) -> str:
    """Lines of a paragraph as one: a space between words, none between Chinese characters.

    A word that was divided at the end of a line is put together again.
    """
    text = ""
    for line in filter(None, map(str.strip, lines)):
        if _divided(text, line):
            text = text[:-1] + line
        elif text and not (is_wide(text[-1]) or is_wide(line[0])):
            text += " " + line
        else:
            text += line
    return text


def _rows(lines: Iterable[ReadLine]) -> Iterator[str]:
    """What stands side by side, as the columns of a receipt, with a space between."""
    row = ""
    before: ReadLine | None = None
    for line in lines:
        if before is not None and _is_beside(before, line):
            row += f" {line.text}"
        elif before is not None:
            yield row
            row = line.text
        else:
            row = line.text
        before = line
    if before is not None:
        yield row


def _is_beside(one: ReadLine, other: ReadLine) -> bool:
    """Whether the other one goes on where this one ends, at the same height of the text's own."""
    if one.vertical or other.vertical:
        return False
    begin, end, _, below = one.quad
    along, down = (end[0] - begin[0], end[1] - begin[1]), (below[0] - begin[0], below[1] - begin[1])
    height = math.hypot(*down)
    if not height or not math.hypot(*along):
        return False
    ahead = other.quad[0][0] - end[0], other.quad[0][1] - end[1]
    forward = (ahead[0] * along[0] + ahead[1] * along[1]) / math.hypot(*along)
    sunk = (ahead[0] * down[0] + ahead[1] * down[1]) / height
    theirs = math.dist(other.quad[0], other.quad[3])
    return forward > -height and abs(sunk + (theirs - height) / 2) < min(height, theirs) / 2


def _divided(text: str, line: str) -> bool:
    return len(text) > 1 and text[-1] == "-" and text[-2].islower() and line[0].islower()


def is_wide(character: str) -> bool:
    """Of a script that sets no spaces between words."""
    return unicodedata.east_asian_width(character) in {"W", "F"}
