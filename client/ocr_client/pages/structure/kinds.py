"""What a block is, by where it stands, how large its text is, and how its lines begin."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Sequence

from ocr_client.structure import BlockKind

from .placed import Placed

TITLE = 1.4  # times as high as the usual line
TITLE_LINES = 3
EDGE = 0.09  # of the page's height, that headers and footers stand in
SMALL = 1.25  # times as high as the usual line they are at most
ALONE = 1.3  # heights of the usual line, between them and the rest of the page
EDGE_LINES = 2
CROWD = 8  # lines; a page of fewer has no header
LEAST_ITEMS = 2
_BULLET = re.compile(r"^\s*(?:[•·●○■□◆◇▪▶►※*＊]|[-–—](?=\s)|→)\s*(?=\S)")
_NUMBER = re.compile(
    r"^\s*(?:[(（]?(?P<n>\d{1,2})[)）]|(?P<m>\d{1,2})(?:[.．](?=\s|[^\d\s])|、)|"
    r"[(（](?P<c>[一二三四五六七八九十]{1,3})[)）]|(?P<d>[一二三四五六七八九十]{1,3})、)\s*(?=\S)"
)
_CHINESE = {text: n for n, text in enumerate("一二三四五六七八九十", 1)}


def usual_height(lines: Iterable[Placed]) -> float:
    """Of most of the text: long lines weigh more. 0 of no lines."""
    ordered = sorted(lines, key=lambda one: one.height)
    total, so_far = sum(max(1, len(one.text)) for one in ordered), 0
    for one in ordered:
        so_far += max(1, len(one.text))
        if 2 * so_far >= total:
            return one.height
    return 0.0


def kind_of(
    block: Sequence[Placed], others: Sequence[Placed], usual: float, page: tuple[float, float]
) -> BlockKind:
    """others: all the lines of the page. usual: height of its text. page: its top and bottom."""
    edge = _edge(block, others, usual, page)
    if edge is not None:
        return edge
    if len(block) <= TITLE_LINES and len(others) > len(block):
        least = min(one.height for one in block)
        if least > TITLE * usual and any(_is_word(one.text) for one in block):
            return "title"
    return "text"


def _is_word(text: str) -> bool:
    return sum(one.isalpha() for one in text) >= 2


def _edge(
    block: Sequence[Placed], others: Sequence[Placed], usual: float, page: tuple[float, float]
) -> BlockKind | None:
    if len(block) > EDGE_LINES or len(others) < CROWD:
        return None
    if statistics.median(one.height for one in block) > SMALL * usual:
        return None
    top, bottom = min(one.top for one in block), max(one.bottom for one in block)
    room = EDGE * (page[1] - page[0])
    mine = {one.line for one in block}
    rest = [one for one in others if one.line not in mine]
    if bottom < page[0] + room:
        below = [one.top for one in rest if one.bottom > bottom]
        beside = [one for one in rest if one.bottom <= bottom]
        alone = all(one.bottom < page[0] + room for one in beside)
        return "header" if alone and below and _gap(below, bottom) > ALONE * usual else None
    if top > page[1] - room:
        above = [one.bottom for one in rest if one.top < top]
        return "footer" if above and top - max(above) > ALONE * usual else None
    return None


def _gap(tops: Sequence[float], bottom: float) -> float:
    return min(tops) - bottom


def item_of(text: str) -> str | None:
    """Without its bullet or number, where it begins an item of a list."""
    found = _BULLET.match(text) or _NUMBER.match(text)
    return text[found.end() :].strip() if found else None


def number_of(text: str) -> int | None:
    """Of an item that has one."""
    found = _NUMBER.match(text)
    if found is None:
        return None
    digits = found["n"] or found["m"]
    if digits:
        return int(digits)
    return _CHINESE.get((found["c"] or found["d"])[0])


def list_starts(block: Sequence[Placed], usual: float) -> list[int]:
    """Places in the block at which items begin; none where it is no list.

    Numbers must count: dates and amounts begin lines, too.
    """
    starts = [place for place, one in enumerate(block) if item_of(one.text) is not None]
    if len(starts) < LEAST_ITEMS:
        return []
    numbers = [number_of(block[place].text) for place in starts]
    if any(n is not None for n in numbers):
        counted = [n for n in numbers if n is not None]
        if counted != list(range(counted[0], counted[0] + len(numbers))):
            return []
    left = statistics.median(block[place].left for place in starts)
    in_line = all(abs(block[place].left - left) < usual for place in starts)
    later = [one for place, one in enumerate(block) if place > starts[0] and place not in starts]
    hanging = all(one.left > left - 0.5 * usual for one in later)
    return starts if in_line and hanging else []
