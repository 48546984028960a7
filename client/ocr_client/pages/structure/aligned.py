"""Tables whose columns are clear without rules: rows of pieces with the same gaps between them.

A table grows row by row as long as the gaps that its rows share go on; a row that would close one
of them begins the next table. Running text in columns was taken out before.
"""

from __future__ import annotations

import bisect
import dataclasses
import itertools
import re
import statistics
from collections.abc import Iterable, Sequence

from .grid import Grid, Held
from .placed import Placed, around
from .rows import extent, rows_of

EVEN = 1.0  # pixels
APART = 2.3  # heights of the text between two rows of a table at most
MOST_SINGLE = 3  # rows of a single piece between others
FARTHER = 1.7  # times as far as those before it
CLOSE = 0.8  # the same, of a last row with a single piece
LEAST_ROWS = 2  # that have pieces in two columns at least
LONELY = 4  # rows, from which on a column has more than one piece
SPACE = 1.4  # heights of a gap that a single piece is parted from its row by
PAIRS_ROWS = 3  # the same, of a table of two columns
NUMBERS = 0.6  # of a column's pieces that are numbers, where a table has but two columns
INSIDE = 0.5  # heights that edges of a column's pieces differ by
LINED = 0.6  # the same, between two of them
IN_LINE = 0.5  # of a column's pieces begin, end or stand in the middle at the same place
LONG = 14  # heights: of a table whose pieces usually are longer, each is a line of a text
Gap = tuple[float, float]  # begins and ends at x
Row = list[Placed]
_NUMBER = re.compile(
    r"^[^\w]*(?:[A-Za-z]{0,3}|[¥￥$€£])\W{0,2}[\dOo][\d\sOo.,:：%/*xX×-]*\W*[A-Za-z元%]{0,2}\W*$"
)


def aligned(pieces: Iterable[Placed]) -> list[Grid]:
    """All tables, from top to bottom; pieces: of the page, without what is no cell."""
    rows = rows_of(pieces)
    found: list[Grid] = []
    start = 0
    while start < len(rows):
        stop = _end(rows, start)
        grid = _grid(rows[start:stop])
        found += [grid] if grid else []
        start = stop if grid else start + 1  # a first row that fits badly takes no others with it
    return found


def _end(rows: Sequence[Row], start: int) -> int:
    """Behind the last row that goes on with what row `start` begins."""
    if len(rows[start]) < 2 or not gaps_of(rows[start : start + 1]):
        return start + 1
    stop = start + 1
    while stop < len(rows):
        if all(len(row) < 2 for row in rows[stop : stop + MOST_SINGLE + 1]):
            break
        if _is_apart(rows[start:stop], rows[stop]) or not _alike(rows[start : stop + 1]):
            break
        if not _goes_on(rows[start:stop], rows[stop], rows[stop + 1 : stop + 2]):
            break
        stop += 1
    single = next(n for n in range(stop, start, -1) if len(rows[n - 1]) > 1)
    return single if _is_caption(rows[start:stop], single - start) else stop


def _goes_on(before: Sequence[Row], row: Row, below: Sequence[Row]) -> bool:
    """Whether `row` keeps the gaps of the rows before it, and those between its pieces are among
    them or new; below: the next row, with which it may rather begin another table.
    """
    old, now = gaps_of(before), gaps_of([*before, row])
    if not all(any(_overlap(one, gap) for one in now) for gap in old):
        return False
    if len(row) < 2:
        return len(old) < 2 or not all(_covers(row[0], gap) for gap in old)
    own = [(one.right, other.left) for one, other in itertools.pairwise(row)]
    if not all(any(_overlap(one, gap) for one in now) for gap in own):
        return False
    if not any(_overlap(one, gap) for one in own for gap in old):
        return False
    if not _in_line_with(before, row):
        return False
    another = len(row) > len(now) + 1 and len(gaps_of([row, *below])) > len(now)
    return not another


def _in_line_with(before: Sequence[Row], row: Row) -> bool:
    """Whether half of the pieces, the first one aside, stand where one above them does: begin, end,
    or are in the middle there.
    """
    above = [one for earlier in before if len(earlier) > 1 for one in earlier[1:]]
    room = LINED * statistics.median(one.height for one in row)
    in_line = sum(any(_is_above(one, piece, room) for one in above) for piece in row[1:])
    return 2 * in_line >= len(row) - 1


def _is_above(one: Placed, piece: Placed, room: float) -> bool:
    edges = abs(one.left - piece.left), abs(one.right - piece.right)
    return min(*edges, abs(one.middle[0] - piece.middle[0])) <= room


def _is_apart(before: Sequence[Row], row: Row) -> bool:
    """Whether the row stands farther off than rows of a table do, these rows for one."""
    distance = _distance(before[-1], row)
    steps = [_distance(one, other) for one, other in itertools.pairwise(before)]
    return distance > APART or (len(steps) > 1 and distance > FARTHER * max(*steps, CLOSE))


def _overlap(one: Gap, other: Gap) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _alike(rows: Sequence[Row]) -> bool:
    """Whether the last row is of about the same size as those before it."""
    before = statistics.median(one.height for row in rows[:-1] for one in row)
    now = statistics.median(one.height for one in rows[-1])
    return max(before, now) < 1.8 * min(before, now)


def _distance(above: Row, below: Row) -> float:
    """Heights of the text between two rows."""
    height = statistics.median(one.height for one in above + below)
    return (extent(below)[0] - extent(above)[1]) / max(1.0, height)


def _is_caption(rows: Sequence[Row], last: int) -> bool:
    """Whether the rows from `last` on, each of one piece, are rather what comes after the table."""
    if last == len(rows):
        return False
    first = min(row[0].left for row in rows if len(row) > 1)
    gaps = gaps_of(rows[:last])
    pieces = [row[0] for row in rows[last:]]
    return (
        _distance(rows[last - 1], rows[last]) > CLOSE
        or any(piece.left < first - piece.height for piece in pieces)
        or any(_covers(piece, gap) for piece in pieces for gap in gaps)
    )


def gaps_of(rows: Sequence[Row]) -> list[Gap]:
    """The least spans of x such that two pieces of a row side by side have one between them.

    Without those that more pieces run over than rows have.
    """
    several = [row for row in rows if len(row) > 1]
    between = [(one.right, other.left) for row in several for one, other in itertools.pairwise(row)]
    found: list[Gap] = []
    for begin, end in sorted((gap for gap in between if gap[0] < gap[1]), key=lambda gap: gap[1]):
        if found and begin < found[-1][1]:
            found[-1] = max(begin, found[-1][0]), found[-1][1]
        else:
            found.append((begin, end))
    return [
        gap
        for gap in found
        if sum(_covers(one, gap) for row in several for one in row)
        <= sum(_overlap(one, gap) for one in between)
    ]


def _covers(piece: Placed, gap: Gap) -> bool:
    return piece.left < gap[0] + EVEN and gap[1] - EVEN < piece.right


def _grid(rows: Sequence[Row]) -> Grid | None:
    gaps = _sensible(rows, gaps_of(rows))
    several = sum(len(row) > 1 for row in rows)
    if not gaps or several < (LEAST_ROWS if len(gaps) > 1 else PAIRS_ROWS):
        return None
    cells = [held for number, row in enumerate(rows) for held in _cells(row, number, gaps)]
    used = sorted({held.column for held in cells})
    cells = [dataclasses.replace(held, column=used.index(held.column)) for held in cells]
    columns = max(held.column + held.columns for held in cells)
    if not _is_table(cells, columns):
        return None
    box = around(piece.box for held in cells for piece in held.pieces)
    return Grid(len(rows), columns, tuple(cells), ruled=False, box=box)


def _sensible(rows: Sequence[Row], gaps: list[Gap]) -> list[Gap]:
    """Without the gap that parts a single piece from its row, where there are more rows."""
    if len(rows) < LONELY or len(gaps) < 2:
        return gaps
    bounds = [sum(gap) / 2 for gap in gaps]
    columns: list[list[Placed]] = [[] for _ in range(len(gaps) + 1)]
    for one in itertools.chain.from_iterable(rows):
        columns[bisect.bisect(bounds, one.middle[0])].append(one)
    for place, column in enumerate(columns):
        beside = [n for n in (place - 1, place) if 0 <= n < len(gaps)]
        narrow = min(beside, key=lambda n: gaps[n][1] - gaps[n][0])
        room = gaps[narrow][1] - gaps[narrow][0]
        if len(column) != 1 or room > SPACE * column[0].height:
            continue
        return _sensible(rows, gaps[:narrow] + gaps[narrow + 1 :])
    return gaps


def _cells(row: Row, number: int, gaps: Sequence[Gap]) -> list[Held]:
    bounds = [sum(gap) / 2 for gap in gaps]
    found: dict[int, Held] = {}
    for piece in row:
        over = [n for n, gap in enumerate(gaps) if _covers(piece, gap)]
        first = over[0] if over else bisect.bisect(bounds, piece.middle[0])
        columns = len(over) + 1
        held = found.get(first)
        pieces = (*held.pieces, piece) if held else (piece,)
        found[first] = Held(number, first, 1, max(columns, held.columns if held else 1), pieces)
    return list(found.values())


def _is_table(cells: Sequence[Held], columns: int) -> bool:
    """Whether its columns are in line, and hold more than lines of a text side by side."""
    pieces = [piece for held in cells for piece in held.pieces]
    height = statistics.median(piece.height for piece in pieces)
    of_column = [
        [piece for held in cells if (held.column, held.columns) == (n, 1) for piece in held.pieces]
        for n in range(columns)
    ]
    numbers = [_numbers(column) >= NUMBERS for column in of_column if column]
    if columns == 2 and not any(numbers):
        return False
    widths = [statistics.median(one.width for one in column) for column in of_column if column]
    if not any(numbers) and statistics.median(widths) > LONG * height:
        return False
    in_line = [_in_line(column, INSIDE * height) for column in of_column if len(column) > 1]
    return bool(in_line) and sum(in_line) > len(in_line) / 2


def _numbers(column: Sequence[Placed]) -> float:
    """Share of the pieces that are numbers, amounts, dates."""
    return sum(bool(_NUMBER.match(piece.text)) for piece in column) / len(column)


def _in_line(column: Sequence[Placed], room: float) -> bool:
    for edge in (
        [one.left for one in column],
        [one.right for one in column],
        [one.middle[0] for one in column],
    ):
        usual = statistics.median(edge)
        if sum(abs(x - usual) <= room for x in edge) >= IN_LINE * len(edge):
            return True
    return False
