"""The order in which lines are read, and the blocks that they form.

A page is cut at gutters into columns, else into bands at its gaps from top to bottom; lines beside each other that are no columns are rows of a table or of a
receipt and are read across. Vertical text is the same, seen from its right side.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .boxes import Boxes
from .gutters import SAME_ROW, Bands, gutter_of
from .parts import Numbers

PARAGRAPH = 0.9  # line heights between two blocks one below the other at least
LARGER = 1.45  # times as high: a title is a block of its own
SHORTER = 0.8  # times as many bands are tried next where so many have no gutter
BAR_LINES = 3
BAR_LEVEL = 0.35  # of the lowest one's height, that its middles differ by
OPEN_ROWS = 3  # that a line may belong to, where rows still rise
MOST_LINES = 5_000  # more are read in rows from top to bottom


def blocks_in_order(boxes: Boxes, vertical: npt.NDArray[np.bool_]) -> list[list[int]]:
    """Numbers of the boxes in reading order, block by block. vertical: of each line."""
    if vertical.mean() > 0.5:  # of lines that lie in between: numbers of pages, captions
        return _blocks(boxes.from_the_right())
    if not vertical.any():
        return _blocks(boxes)
    # Blocks of columns take their places among the lines as if each were one.
    lines, columns = np.flatnonzero(~vertical), np.flatnonzero(vertical)
    groups = [columns[block].tolist() for block in _blocks(boxes[columns].from_the_right())]
    alone = [[i] for i in lines.tolist()]
    whole = Boxes(
        *(
            np.array([one(side[members]) for members in alone + groups])
            for one, side in (
                (np.min, boxes.left), (np.min, boxes.top),
                (np.max, boxes.right), (np.max, boxes.bottom),
            )
        )
    )  # fmt: skip
    found: list[list[int]] = []
    for block in _blocks(whole):
        plain: list[int] = []
        for i in block:
            if i < len(alone):
                plain.append(alone[i][0])
                continue
            found += [plain] if plain else []
            found.append(groups[i - len(alone)])
            plain = []
        found += [plain] if plain else []
    return found


def _blocks(boxes: Boxes) -> list[list[int]]:
    everything = np.arange(len(boxes))
    if not len(boxes):
        return []
    if len(boxes) > MOST_LINES:
        return [_across(boxes, everything)]
    return _cut(boxes, everything)


def _cut(boxes: Boxes, some: Numbers) -> list[list[int]]:
    if len(some) == 1:
        return [some.tolist()]
    bands = _bands(boxes, some)
    gutter = None if _is_bar(boxes, bands[0]) else gutter_of(boxes, some)
    if gutter is not None:
        right = boxes.left[some] >= gutter
        return _cut(boxes, some[~right]) + _cut(boxes, some[right])
    if len(bands) == 1:
        return [_across(boxes, some)]
    found: list[list[int]] = []
    pile = Bands(boxes, bands)
    start = 0
    while start < len(bands):
        stop = _columns_until(pile, start)
        if stop > start and _columns_until(pile, start + 1, stop) == start + 1:
            found += _cut(boxes, np.concatenate(bands[start:stop]))
        else:
            stop = start + 1
            band = bands[start]
            found += [_across(boxes, band)] if len(band) == len(some) else _cut(boxes, band)
        start = stop
    return _paragraphs(boxes, found)


def _columns_until(bands: Bands, start: int, beyond: int = 0) -> int:
    """The band behind the last one that shares a gutter with band `start`; `start` if none, or
    none beyond a band.

    Not every end is tried where many are free: where the gutter is lost is found by halving.
    """
    least, most = max(start + 1, beyond) + 1, bands.free_until(start)
    if most < least or _is_bar(bands.boxes, bands.members[start]):
        return start
    lost = most + 1
    while not bands.have_gutter(start, most):
        lost, most = most, min(most - 1, start + round(SHORTER * (most - start)))
        if most < least:
            return start
    while lost - most > 1:
        middle = (most + lost) // 2
        if bands.have_gutter(start, middle):
            most = middle
        else:
            lost = middle
    return most


def _is_bar(boxes: Boxes, some: Numbers) -> bool:
    """Whether these are three and more in one row, as in a bar of tools or a row of a table."""
    if len(some) < BAR_LINES:
        return False
    middle = (boxes.top[some] + boxes.bottom[some]) / 2
    return bool(np.ptp(middle) < BAR_LEVEL * boxes.height[some].min())


def _bands(boxes: Boxes, some: Numbers) -> list[Numbers]:
    """Cut at every gap from top to bottom; the tips of letters may reach into the next band."""
    inset = 0.2 * boxes.height[some]
    top, bottom = boxes.top[some] + inset, boxes.bottom[some] - inset
    order = np.argsort(top, kind="stable")
    reached = np.maximum.accumulate(bottom[order])[:-1]
    cuts = np.flatnonzero(top[order][1:] > reached) + 1
    return [some[part] for part in np.split(order, cuts)]


def _across(boxes: Boxes, some: Numbers) -> list[int]:
    """Row by row, each from left to right. A row may still rise a little: each of its lines has
    to stand beside its neighbour, not beside the first one.
    """
    waiting = some[np.argsort((boxes.top[some] + boxes.bottom[some]) / 2, kind="stable")].tolist()
    rows: list[list[int]] = []
    for one in waiting:
        beside = [_share_beside(boxes, one, row) for row in rows[-OPEN_ROWS:]]
        best = max(beside, default=0.0)
        if best < SAME_ROW:
            rows.append([one])
        else:
            rows[-len(beside) :][beside.index(best)].append(one)
    return [i for row in rows for i in sorted(row, key=lambda i: float(boxes.left[i]))]


def _share_beside(boxes: Boxes, one: int, row: list[int]) -> float:
    """How much of the lower one's height a line and its neighbour in the row share."""
    left, right = boxes.left[one], boxes.right[one]
    near = min(row, key=lambda i: max(boxes.left[i], left) - min(boxes.right[i], right))
    inner = min(boxes.bottom[one], boxes.bottom[near]) - max(boxes.top[one], boxes.top[near])
    return float(inner / max(1e-6, min(boxes.height[one], boxes.height[near])))


def _paragraphs(boxes: Boxes, blocks: list[list[int]]) -> list[list[int]]:
    """Blocks one below the other, of like height and near enough, become one."""
    merged: list[list[int]] = []
    for block in blocks:
        if merged and _continues(boxes, merged[-1], block):
            merged[-1] = merged[-1] + block
        else:
            merged.append(block)
    return merged


def _continues(boxes: Boxes, above: list[int], below: list[int]) -> bool:
    last = above[-1]
    gap = float(boxes.top[below].min() - boxes.bottom[above].max())
    one, two = float(np.median(boxes.height[above])), float(np.median(boxes.height[below]))
    overlap = min(boxes.right[above].max(), boxes.right[below].max()) - max(
        boxes.left[above].min(), boxes.left[below].min()
    )
    near = -2 * one < gap < PARAGRAPH * max(float(boxes.height[last]), two)
    return near and overlap > 0 and max(one, two) < LARGER * min(one, two)
