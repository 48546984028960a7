"""Tables that rules part into cells; cells between which a rule is missing are one."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable, Iterator, Sequence

from ocr_client.shapes import Box

from .grid import Grid, Held
from .placed import Placed, share
from .rows import rows_of

TOUCH = 14.0  # pixels that rules miss each other by, and places of one rule differ by
COVERED = 0.6  # of a cell's side, that rules along it cover
LEAST_CELLS = 4
LEAST_FILLED = 0.3  # of the cells that have a text

MOST_CROWDED = 0.15  # of the pieces, in cells that hold more than one
LEVEL = 0.6  # of the lower one's height, that pieces of a row share

Span = tuple[float, float, float]  # a rule: where it is, where it begins and ends along itself


def ruled(
    level: Sequence[Span], upright: Sequence[Span], pieces: Iterable[Placed], touch: float
) -> list[Grid]:
    """level: y, left, right; upright: x, top, bottom. touch: pixels that rules miss each other by."""
    waiting = list(pieces)
    found = []
    for rows, columns in _joined(level, upright, touch):
        ys, xs = _places(rows, touch), _places(columns, touch)
        if len(ys) < 2 or len(xs) < 2 or (len(ys) - 1) * (len(xs) - 1) < LEAST_CELLS:
            continue
        inside = [
            one
            for one in waiting
            if xs[0] < one.middle[0] < xs[-1] and ys[0] < one.middle[1] < ys[-1]
        ]
        ys = _with_text(ys, [one.middle[1] for one in inside], rows, (xs[0], xs[-1]), touch)
        xs = _with_text(xs, [one.middle[0] for one in inside], columns, (ys[0], ys[-1]), touch)
        if len(ys) < 2 or len(xs) < 2:
            continue
        cells = _filled(list(_cells(ys, xs, rows, columns, touch)), ys, xs, inside)
        filled = sum(bool(held.pieces) for held in cells)
        if filled < max(2, LEAST_FILLED * len(cells)) or not _is_table(cells):
            continue
        if _crowded(cells) > MOST_CROWDED:  # rules were not seen: what lines up says more
            continue
        kept = tuple(held for held in cells if held.pieces)
        box = xs[0], ys[0], xs[-1], ys[-1]
        found.append(Grid(len(ys) - 1, len(xs) - 1, kept, ruled=True, box=box))
        taken = {id(one) for one in inside}
        waiting = [one for one in waiting if id(one) not in taken]
    return found


def _is_table(cells: Sequence[Held]) -> bool:
    """Two rows and two columns with text: a frame around a text is none."""
    with_text = [held for held in cells if held.pieces]
    return (
        len({held.row for held in with_text}) > 1 and len({held.column for held in with_text}) > 1
    )


def _crowded(cells: Sequence[Held]) -> float:
    """Share of the pieces that stand in cells with others beside them, or in several rows that are
    level with those of a cell beside it.
    """
    held = [(cell, rows_of(cell.pieces)) for cell in cells if cell.pieces]
    crowded = 0
    for cell, rows in held:
        beside = (other for one, other in held if one is not cell and one.row == cell.row)
        if any(len(row) > 1 for row in rows) or (
            len(rows) > 1 and any(_level(rows, other) for other in beside)
        ):
            crowded += len(cell.pieces)
    return crowded / sum(len(cell.pieces) for cell, _ in held)


def _level(rows: Sequence[Sequence[Placed]], others: Sequence[Sequence[Placed]]) -> bool:
    """Whether both are as many, each level with the other's."""
    if len(rows) != len(others):
        return False
    pairs = [(one[0], other[0]) for one, other in zip(rows, others, strict=True)]
    return all(share((a.top, a.bottom), (b.top, b.bottom)) > LEVEL for a, b in pairs)


def _joined(
    level: Sequence[Span], upright: Sequence[Span], touch: float
) -> Iterator[tuple[list[Span], list[Span]]]:
    """Rules that cross or meet, with those that they cross or meet, and so on."""
    free_level, free_upright = list(level), list(upright)
    while free_level:
        rows, columns = [free_level.pop(0)], []
        while True:
            more = [x for x in free_upright if any(_meet(y, x, touch) for y in rows)]
            free_upright = [x for x in free_upright if x not in more]
            columns += more
            more = [y for y in free_level if any(_meet(y, x, touch) for x in columns)]
            free_level = [y for y in free_level if y not in more]
            rows += more
            if not more:
                break
        yield rows, columns


def _meet(level: Span, upright: Span, touch: float) -> bool:
    (y, left, right), (x, top, bottom) = level, upright
    return left - touch <= x <= right + touch and top - touch <= y <= bottom + touch


def _places(rules: Sequence[Span], touch: float) -> list[float]:
    """Where rules are, those near to each other as one."""
    found: list[list[float]] = []
    for place in sorted(rule[0] for rule in rules):
        if found and place - found[-1][-1] <= touch:
            found[-1].append(place)
        else:
            found.append([place])
    return [sum(each) / len(each) for each in found]


def _with_text(
    places: list[float],
    texts: list[float],
    rules: Sequence[Span],
    span: tuple[float, float],
    touch: float,
) -> list[float]:
    """Without the rule at one side of each row, or column, that no text stands in: a stroke of a
    letter, or a double rule. The one that reaches less far goes; of the outer ones none, or both.
    """
    kept = list(places)
    for place in range(len(kept) - 2, -1, -1):
        begin, end = kept[place], kept[place + 1]
        if any(begin < text < end for text in texts):
            continue
        sides = [n for n in (place, place + 1) if 0 < n < len(kept) - 1]
        if sides:
            del kept[min(sides, key=lambda n: _reach(rules, kept[n], span, touch))]
    return kept


def _reach(rules: Sequence[Span], place: float, span: tuple[float, float], touch: float) -> float:
    return sum(
        max(0.0, min(span[1], rule[2]) - max(span[0], rule[1]))
        for rule in rules
        if abs(rule[0] - place) <= touch
    )


def _cells(
    ys: list[float], xs: list[float], rows: Sequence[Span], columns: Sequence[Span], touch: float
) -> Iterator[tuple[int, int, int, int]]:
    """row, column, rows, columns of each: as far as no rule ends it."""
    taken: set[tuple[int, int]] = set()
    for row, column in itertools.product(range(len(ys) - 1), range(len(xs) - 1)):
        if (row, column) in taken:
            continue
        wide = 1
        while column + wide < len(xs) - 1 and (row, column + wide) not in taken:
            if _covered(columns, xs[column + wide], ys[row], ys[row + 1], touch):
                break
            wide += 1
        high = 1
        while row + high < len(ys) - 1:
            y = ys[row + high]
            free = all(
                not _covered(rows, y, xs[n], xs[n + 1], touch) for n in range(column, column + wide)
            )
            if not free:
                break
            high += 1
        taken |= set(itertools.product(range(row, row + high), range(column, column + wide)))
        yield row, column, high, wide


def _covered(rules: Sequence[Span], place: float, begin: float, end: float, touch: float) -> bool:
    return _reach(rules, place, (begin, end), touch) >= COVERED * (end - begin)


def _filled(
    cells: Sequence[tuple[int, int, int, int]],
    ys: list[float],
    xs: list[float],
    pieces: Iterable[Placed],
) -> list[Held]:
    owner = {
        (row + n, column + m): number
        for number, (row, column, high, wide) in enumerate(cells)
        for n in range(high)
        for m in range(wide)
    }
    inside: list[list[Placed]] = [[] for _ in cells]
    for piece in pieces:
        x, y = piece.middle
        inside[owner[bisect.bisect(ys, y) - 1, bisect.bisect(xs, x) - 1]].append(piece)
    whole = [
        Held(row, column, high, wide, tuple(held), _box(ys, xs, row, column, high, wide))
        for (row, column, high, wide), held in zip(cells, inside, strict=True)
    ]
    return [part for held in whole for part in _parted(held, xs)]


def _parted(held: Held, xs: list[float]) -> list[Held]:
    """A row whose columns no rules part, but texts do: a head in light letters, for one."""
    inner = xs[held.column + 1 : held.column + held.columns]
    if held.rows > 1 or any(one.left < x < one.right for x in inner for one in held.pieces):
        return [held]
    columns: dict[int, list[Placed]] = {}
    for one in held.pieces:
        columns.setdefault(held.column + bisect.bisect(inner, one.middle[0]), []).append(one)
    if len(columns) < 2:
        return [held]
    _, top, _, bottom = held.box or (0.0, 0.0, 0.0, 0.0)
    return [
        Held(held.row, column, 1, 1, tuple(of), (xs[column], top, xs[column + 1], bottom))
        for column, of in columns.items()
    ]


def _box(ys: list[float], xs: list[float], row: int, column: int, high: int, wide: int) -> Box:
    return xs[column], ys[row], xs[column + wide], ys[row + high]
