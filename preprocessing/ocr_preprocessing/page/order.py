"""The order in which lines are read, and the blocks that they form.

A page is cut at gutters into columns where both sides are running text, else into bands at its
gaps from top to bottom; lines beside each other that are no columns are rows of a table or of a
receipt and are read across. Vertical text is the same, seen from its right side.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from .found import Floats
from .parts import Numbers

GUTTER = 0.8  # line heights between two columns at least
PARAGRAPH = 0.9  # line heights between two blocks one below the other at least
LARGER = 1.45  # times as high: a title is a block of its own
COLUMN_LINES = 3  # lines that a column of running text has at least
FEW = 6  # lines are fewer
COLUMN_WIDTH = 6.0  # line heights that the lines of a column are long
FULL = 0.6  # of its column, that the usual line of running text fills
FULLER = 0.85  # where there are few lines, each beside one of the other column
SAME_ROW = 0.5  # of the lower line's height that lines of a row share
MOST_LINES = 5_000  # more are read in rows from top to bottom


@dataclasses.dataclass(frozen=True)
class Boxes:
    """Upright boxes of lines, arrays (n,); y counts downwards."""

    left: Floats
    top: Floats
    right: Floats
    bottom: Floats

    def __len__(self) -> int:
        return len(self.left)

    def __getitem__(self, some: Numbers) -> Boxes:
        return Boxes(self.left[some], self.top[some], self.right[some], self.bottom[some])

    @property
    def height(self) -> Floats:
        return self.bottom - self.top

    def from_the_right(self) -> Boxes:
        """The same boxes for whom columns are lines: the rightmost one is the topmost."""
        return Boxes(self.top, -self.right, self.bottom, -self.left)


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
    gutter = _gutter(boxes, some)
    if gutter is not None:
        right = boxes.left[some] >= gutter
        return _cut(boxes, some[~right]) + _cut(boxes, some[right])
    bands = _bands(boxes, some)
    if len(bands) == 1:
        return [_across(boxes, some)]
    found: list[list[int]] = []
    start = 0
    while start < len(bands):
        stop = _columns_until(boxes, bands, start)
        if stop > start + 1:
            found += _cut(boxes, np.concatenate(bands[start:stop]))
        else:
            stop = start + 1
            band = bands[start]
            found += [_across(boxes, band)] if len(band) == len(some) else _cut(boxes, band)
        start = stop
    return _paragraphs(boxes, found)


def _columns_until(boxes: Boxes, bands: list[Numbers], start: int) -> int:
    """The band behind the last one that shares a gutter with band `start`; `start` if none."""
    best = start
    for stop in range(start + 2, len(bands) + 1):
        some = np.concatenate(bands[start:stop])
        spans = _free_spans(boxes, some)
        if not len(spans):
            break
        if _gutter(boxes, some) is not None:
            best = stop
    return best


def _free_spans(boxes: Boxes, some: Numbers) -> Floats:
    """(m, 2) spans of x that no box covers, between the leftmost and the rightmost."""
    order = some[np.argsort(boxes.left[some], kind="stable")]
    reached = np.maximum.accumulate(boxes.right[order])[:-1]
    following = boxes.left[order][1:]
    wide = following - reached > GUTTER * float(np.median(boxes.height[some]))
    return np.stack([reached[wide], following[wide]], axis=1)


def _gutter(boxes: Boxes, some: Numbers) -> float | None:
    """Where (x) the widest gutter with running text on both sides is."""
    spans = _free_spans(boxes, some)
    for begin, end in spans[np.argsort(spans[:, 0] - spans[:, 1])].tolist():
        right = boxes.left[some] >= end - 0.5
        sides = some[~right], some[right]
        full = FULLER if _like_rows(boxes, *sides) else FULL
        if all(_is_running(boxes, side, full) for side in sides):
            return float((begin + end) / 2)
    return None


def _is_running(boxes: Boxes, some: Numbers, full: float) -> bool:
    """Whether these lines are a column of running text, not cells of a table."""
    if len(some) < COLUMN_LINES:
        return False
    width = boxes.right[some] - boxes.left[some]
    column = float(boxes.right[some].max() - boxes.left[some].min())
    usual = float(np.median(width))
    return usual > COLUMN_WIDTH * float(np.median(boxes.height[some])) and usual > full * column


def _like_rows(boxes: Boxes, left: Numbers, right: Numbers) -> bool:
    """Whether one side is a few lines that all stand beside one of the other: labels and values,
    as receipts have them, or short columns of text.
    """
    few, many = sorted((left, right), key=len)
    if len(few) >= FEW:
        return False
    inner = np.minimum(boxes.bottom[few, None], boxes.bottom[many]) - np.maximum(
        boxes.top[few, None], boxes.top[many]
    )
    lower = np.minimum(boxes.height[few, None], boxes.height[many])
    return bool((inner >= SAME_ROW * lower).any(axis=1).all())


def _bands(boxes: Boxes, some: Numbers) -> list[Numbers]:
    """Cut at every gap from top to bottom; the tips of letters may reach into the next band."""
    inset = 0.2 * boxes.height[some]
    top, bottom = boxes.top[some] + inset, boxes.bottom[some] - inset
    order = np.argsort(top, kind="stable")
    reached = np.maximum.accumulate(bottom[order])[:-1]
    cuts = np.flatnonzero(top[order][1:] > reached) + 1
    return [some[part] for part in np.split(order, cuts)]


def _across(boxes: Boxes, some: Numbers) -> list[int]:
    """Row by row, each from left to right."""
    waiting = some[np.argsort((boxes.top[some] + boxes.bottom[some]) / 2, kind="stable")].tolist()
    found: list[int] = []
    row: list[int] = []
    for one in waiting:
        if row:
            first = row[0]
            shared = min(boxes.bottom[one], boxes.bottom[first]) - max(
                boxes.top[one], boxes.top[first]
            )
            if shared < SAME_ROW * min(boxes.height[one], boxes.height[first]):
                found += sorted(row, key=lambda i: float(boxes.left[i]))
                row = []
        row.append(one)
    return found + sorted(row, key=lambda i: float(boxes.left[i]))


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
