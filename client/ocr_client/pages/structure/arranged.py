"""The lines of a page, in their order, and the blocks that they make up, each of a kind."""

from __future__ import annotations

import dataclasses
import itertools
import statistics
from collections.abc import Iterable, Iterator, Sequence

from ocr_client.pages.layout import block_text, running_text
from ocr_client.results import ReadLine
from ocr_client.shapes import Box, Point, box_around, quad_of
from ocr_client.structure import Block, BlockKind, Table
from ocr_preprocessing.page import Frame

from .aligned import aligned
from .grid import Grid
from .kinds import item_of, kind_of, list_starts, usual_height
from .placed import Placed, around, frame_of, placed_box, share
from .rows import rows_of
from .ruled import Span, ruled

RUNNING_ROWS = 3  # lines of a column of running text at least
RUNNING_LONG = 7.0  # heights that they are long
RUNNING_FULL = 0.6  # of the column that the usual one fills
BESIDE = 0.3  # of the lower one's height that two columns share
TOUCH = 0.5  # heights of the usual line, that rules miss each other by
LEVEL = 0.3  # of the lower one's height, that the middles of lines in a row differ by
BACK = 1.0  # heights of the next line that it stands above the last one, where a column begins
HELD = 0.6  # of a figure, that its table or its lines cover: then it is none


@dataclasses.dataclass(frozen=True)
class PageMarks:
    """In pixels of the image. level, upright: both ends of each rule. figures: boxes."""

    level: tuple[tuple[Point, Point], ...] = ()
    upright: tuple[tuple[Point, Point], ...] = ()
    figures: tuple[Box, ...] = ()


NO_MARKS = PageMarks()


@dataclasses.dataclass(frozen=True)
class _Group:
    """Lines of a block by their numbers, or a table, or a figure's box in the image."""

    lines: tuple[int, ...] = ()
    grid: Grid | None = None
    figure: Box | None = None


def blocks_of(lines: Sequence[ReadLine]) -> tuple[Block, ...]:
    """Of lines whose blocks are numbered from 0 on, in reading order; tables are not looked for."""
    return tuple(
        _plain(lines, tuple(places))
        for _, places in itertools.groupby(range(len(lines)), key=lambda n: lines[n].block)
    )


def arranged(
    lines: Sequence[ReadLine], marks: PageMarks, size: tuple[int, int]
) -> tuple[tuple[ReadLine, ...], tuple[Block, ...]]:
    """The same lines, those of a table together, their blocks numbered anew; and the blocks.

    lines: in reading order. size: width and height of the image.
    """
    frame = frame_of([(line.quad, line.vertical) for line in lines])
    placed = [
        Placed(number, line.text, *placed_box(frame, line.quad))
        for number, line in enumerate(lines)
    ]
    grids = _grids(lines, placed, marks, frame)
    groups = _with_figures(_groups(lines, grids, placed), placed, marks.figures, frame)
    order = [number for group in groups for number in group.lines]
    number_of = {number: place for place, number in enumerate(order)}
    width, height = size
    _, top, _, bottom = placed_box(frame, quad_of((0, 0, width, height)))
    usual = usual_height(placed)
    block_of: dict[int, int] = {}
    blocks: list[Block] = []
    for group in groups:
        block_of |= dict.fromkeys(group.lines, len(blocks))
        places = tuple(number_of[number] for number in group.lines)
        if group.figure is not None:
            blocks.append(Block("", group.figure, (), "figure"))
        elif group.grid is not None:
            blocks.append(_table(group.grid.table(frame, number_of), lines, group.lines, places))
        else:
            members = [placed[number] for number in group.lines]
            kind = kind_of(members, placed, usual, (top, bottom))
            if lines[group.lines[0]].vertical and kind in {"header", "footer"}:
                kind = "text"
            blocks.append(_of_kind(kind, lines, group.lines, places, members, usual))
    found = tuple(dataclasses.replace(lines[number], block=block_of[number]) for number in order)
    return found, tuple(blocks)


def may_be_table(lines: Sequence[ReadLine]) -> bool:
    """Whether pieces of text stand side by side in some rows."""
    free = [line for line in lines if not line.vertical]
    frame = frame_of([(line.quad, False) for line in free])
    rows = rows_of(Placed(n, one.text, *placed_box(frame, one.quad)) for n, one in enumerate(free))
    return any(len(row) > 1 for row in rows)


def _grids(
    lines: Sequence[ReadLine], placed: Sequence[Placed], marks: PageMarks, frame: Frame
) -> list[Grid]:
    level = [_span(ends, frame, along=0) for ends in marks.level]
    upright = [_span(ends, frame, along=1) for ends in marks.upright]
    free = [one for one in placed if not lines[one.line].vertical]
    touch = max(6.0, TOUCH * usual_height(free))
    pieces = [part for one in free for part in _cut(lines[one.line], one, upright, frame, touch)]
    found = ruled(level, upright, pieces, touch)
    taken = {number for grid in found for number in grid.lines}
    running = _running(lines, placed)
    left = [one for one in free if one.line not in taken and one.line not in running]
    return found + [grid for region in _regions(left) for grid in aligned(region)]


def _regions(pieces: Sequence[Placed]) -> list[list[Placed]]:
    """Pieces in reading order, cut where it goes back up to lines that stand in rows of their own:
    a menu and a table beside it. Names and amounts that were only read apart stay together.
    """
    regions: list[list[Placed]] = []
    for piece in pieces:
        if not regions or piece.bottom < regions[-1][-1].top - BACK * piece.height:
            regions.append([])
        regions[-1].append(piece)
    joined = regions[:1]
    for region in regions[1:]:
        if _in_common_rows(joined[-1], region):
            joined[-1] = joined[-1] + region
        else:
            joined.append(region)
    return joined


def _in_common_rows(one: Sequence[Placed], other: Sequence[Placed]) -> bool:
    """Whether most pieces of the shorter list are level with one of the other."""
    few, many = sorted((one, other), key=len)
    level = sum(
        any(abs(a.middle[1] - b.middle[1]) < LEVEL * min(a.height, b.height) for b in many)
        for a in few
    )
    return 2 * level >= len(few)


def _span(ends: tuple[Point, Point], frame: Frame, *, along: int) -> Span:
    one, other = (frame.level(*end) for end in ends)
    places = sorted((one[along], other[along]))
    return (one[1 - along] + other[1 - along]) / 2, places[0], places[1]


def _cut(
    line: ReadLine, piece: Placed, upright: Sequence[Span], frame: Frame, touch: float
) -> Iterator[Placed]:
    """The piece at the upright rules that it runs over."""
    y = piece.middle[1]
    bounds = sorted(
        x
        for x, top, bottom in upright
        if piece.left + touch < x < piece.right - touch and top <= y <= bottom
    )
    if not bounds or not line.characters:
        yield piece
        return
    edges = [piece.left, *bounds, piece.right]
    middles = [
        (frame.level((one.left + one.right) / 2, (one.top + one.bottom) / 2)[0], one.text)
        for one in line.characters
    ]
    for left, right in itertools.pairwise(edges):
        text = "".join(
            one
            for x, one in middles
            if (x >= left or left == edges[0]) and (x < right or right == edges[-1])
        ).strip()
        if text:
            yield dataclasses.replace(piece, text=text, left=left, right=right)


def _running(lines: Sequence[ReadLine], placed: Sequence[Placed]) -> set[int]:
    """Numbers of the lines of columns of running text that stand side by side."""
    columns = []
    for _, group in itertools.groupby(placed, key=lambda one: lines[one.line].block):
        block = list(group)
        left, top, right, bottom = around(one.box for one in block)
        height = statistics.median(one.height for one in block)
        width = statistics.median(one.width for one in block)
        long = width > max(RUNNING_LONG * height, RUNNING_FULL * (right - left))
        if len(block) >= RUNNING_ROWS and long:
            columns.append((left, top, right, bottom, [one.line for one in block]))
    found: set[int] = set()
    for one, other in itertools.combinations(columns, 2):
        beside = share((one[0], one[2]), (other[0], other[2])) < 0
        if beside and share((one[1], one[3]), (other[1], other[3])) > BESIDE:
            found.update(one[4] + other[4])
    return found


def _groups(
    lines: Sequence[ReadLine], grids: Sequence[Grid], placed: Sequence[Placed]
) -> list[_Group]:
    """Each table in the place of its first line; what is left of blocks, divided at lists."""
    grid_of = {number: grid for grid in grids for number in grid.lines}
    usual = usual_height(placed)
    found: list[_Group] = []
    told: set[int] = set()
    for _, block in itertools.groupby(range(len(lines)), key=lambda n: lines[n].block):
        for grid, members in itertools.groupby(block, key=grid_of.get):
            numbers = tuple(members)
            if grid is None:
                found += _divided(numbers, placed, usual)
            elif id(grid) not in told:
                told.add(id(grid))
                found.append(_Group(grid.lines, grid))
    return found


def _divided(numbers: tuple[int, ...], placed: Sequence[Placed], usual: float) -> list[_Group]:
    starts = list_starts([placed[number] for number in numbers], usual)
    if not starts or not starts[0]:
        return [_Group(numbers)]
    return [_Group(numbers[: starts[0]]), _Group(numbers[starts[0] :])]


def _with_figures(
    groups: list[_Group], placed: Sequence[Placed], figures: Sequence[Box], frame: Frame
) -> list[_Group]:
    """Each figure before the first block that begins below its middle, of those beside it."""
    found = list(groups)
    for figure in figures:
        box = placed_box(frame, quad_of(figure))
        if any(group.grid and _inside(group.grid.box, box) for group in groups):
            continue
        place = next(
            (
                n
                for n, group in enumerate(found)
                if group.lines
                and placed[group.lines[0]].top > (box[1] + box[3]) / 2
                and share((box[0], box[2]), _across(group, placed)) > 0
            ),
            len(found),
        )
        found.insert(place, _Group(figure=figure))
    return found


def _inside(table: Box, figure: Box) -> bool:
    wide = min(table[2], figure[2]) - max(table[0], figure[0])
    high = min(table[3], figure[3]) - max(table[1], figure[1])
    area = (figure[2] - figure[0]) * (figure[3] - figure[1])
    return wide > 0 and high > 0 and wide * high > HELD * area


def _across(group: _Group, placed: Sequence[Placed]) -> tuple[float, float]:
    left, _, right, _ = around(placed[number].box for number in group.lines)
    return left, right


def _plain(lines: Sequence[ReadLine], places: tuple[int, ...], kind: BlockKind = "text") -> Block:
    members = [lines[place] for place in places]
    return Block(block_text(members), box_around(one.quad for one in members), places, kind)


def _table(
    table: Table, lines: Sequence[ReadLine], numbers: tuple[int, ...], places: tuple[int, ...]
) -> Block:
    members = [lines[number] for number in numbers]
    left, top, right, bottom = around(
        [*(cell.box for cell in table.cells), box_around(one.quad for one in members)]
    )
    return Block(block_text(members), (left, top, right, bottom), places, "table", table=table)


def _of_kind(
    kind: BlockKind,
    lines: Sequence[ReadLine],
    numbers: tuple[int, ...],
    places: tuple[int, ...],
    members: Sequence[Placed],
    usual: float,
) -> Block:
    block = dataclasses.replace(_plain(lines, numbers, kind), lines=places)
    starts = list_starts(members, usual) if kind == "text" else []
    if not starts or starts[0]:
        return block
    items = tuple(_items(members, starts))
    return dataclasses.replace(block, kind="list", items=items)


def _items(members: Sequence[Placed], starts: Sequence[int]) -> Iterator[str]:
    """With their numbers, without bullets."""
    for begin, end in itertools.pairwise([*starts, len(members)]):
        yield running_text(_texts(members[begin:end]))


def _texts(members: Iterable[Placed]) -> Iterator[str]:
    for place, one in enumerate(members):
        text = one.text
        if place == 0 and not any(letter.isdigit() for letter in text[:3]):
            text = item_of(text) or text
        yield text
