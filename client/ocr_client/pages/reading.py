"""A page read by one arm: which way up it is, its lines, and where their characters stand."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import numpy as np

from ocr_client.decode import mean_confidence
from ocr_client.results import Character, Point, Quad, Reading, ReadLine, Turn, box_around
from ocr_client.shapes import quad_of
from ocr_preprocessing.fast import Gray
from ocr_preprocessing.line import MAX_LINE_WIDTH
from ocr_preprocessing.page import FoundLine, FoundPage, LaidOut, lay_out, marks_of, rectified

from .columns import Spanned, best_of, reading_of
from .fields import fields_of
from .finder import FindLines
from .layout import page_text
from .settings import PageSettings
from .sheet import found_in
from .structure import PageMarks, arranged, may_be_table
from .turns import TURNS, part_of, quad_back, turned, turned_back

# Lines (H, W) of one image -> what stands in them, in their order. Raises OCRError.
ReadLines = Callable[[Iterable[Gray]], tuple[Reading, ...]]

SAMPLE: Final = 6  # lines that tell whether a page is upright
SURE: Final = 0.8  # confidence of those beyond which no other way up is tried
BETTER: Final = 0.1  # by how much another way up must be read more surely
_STRIP: Final = MAX_LINE_WIDTH // 64  # times as wide as high: a rule, and no text


@dataclasses.dataclass(frozen=True)
class _View:
    """The page with one side up. gray: turned by `turn`, clockwise."""

    gray: Gray
    page: FoundPage
    turn: Turn


@dataclasses.dataclass(frozen=True)
class _Cut:
    """What one line read as. spans: its characters with their places along it."""

    reading: Reading
    spans: tuple[Spanned, ...]


def read_page(
    gray: Gray, page: FoundPage, read: ReadLines, settings: PageSettings, find: FindLines
) -> Reading:
    """Raises what `read` raises.

    gray: (H, W) UINT8, the page as it came. page: its lines. find: of its other sides.
    """
    cuts: dict[int, _Cut] = {}
    view = _View(gray, page, 0)
    if settings.turn:
        view, cuts = _upright(view, read, settings, find)
    cuts = _read(view, [n for n in range(len(view.page.lines)) if n not in cuts], read) | cuts
    lines = [
        _placed(view, gray.shape, view.page.lines[number], cuts[number])
        for number in sorted(cuts)
        if cuts[number].reading.text.strip()
        and cuts[number].reading.confidence >= settings.least_confidence
    ]
    marks = marks_in(view.gray, view.page, lines, view.turn, gray.shape)
    arranged_lines, blocks = arranged(lines, marks, (gray.shape[1], gray.shape[0]))
    characters = tuple(itertools.chain.from_iterable(line.characters for line in arranged_lines))
    return Reading(
        page_text(arranged_lines),
        mean_confidence(characters),
        characters,
        arranged_lines,
        view.turn,
        view.page.angle,
        blocks,
        fields_of(arranged_lines, settings.fields),
    )


def marks_in(
    gray: Gray,
    page: FoundPage,
    lines: Sequence[ReadLine],
    turn: Turn = 0,
    shape: tuple[int, ...] | None = None,
) -> PageMarks:
    """Rules and pictures of a page (H, W) in pixels of its source.

    Where nothing stands beside anything there is no table, and rules are not looked for.
    turn: that made `gray` of the source, whose shape is (H, W).
    """
    source = shape or gray.shape
    found = marks_of(gray, page.lines, page.angle, with_rules=may_be_table(lines))

    def ends(each: np.ndarray) -> tuple[tuple[Point, Point], ...]:
        pairs = (tuple(turned_back((x, y), turn, source) for x, y in rule) for rule in each)
        return tuple((one, other) for one, other in pairs)

    figures = tuple(
        box_around((quad_back(quad_of(tuple(box)), turn, source),))
        for box in found.figures.tolist()
    )
    return PageMarks(ends(found.level), ends(found.upright), figures)


def _upright(
    view: _View, read: ReadLines, settings: PageSettings, find: FindLines
) -> tuple[_View, dict[int, _Cut]]:
    """The side that is up in the end, and those of its lines that have been read already."""
    cuts = _read(view, _telling(view.page.lines), read, sideways=False)
    best = _score(cuts)
    if not cuts or best >= SURE:
        return view, _final(view, cuts)
    chosen, chosen_cuts = view, cuts
    for turn in TURNS[1:]:
        gray = turned(view.gray, turn)
        other = _View(gray, found_in(gray, settings, find), turn)
        other_cuts = _read(other, _telling(other.page.lines), read, sideways=False)
        score = _score(other_cuts)
        if score > best + (BETTER if chosen is view else 0):
            chosen, chosen_cuts, best = other, other_cuts, score
    return chosen, _final(chosen, chosen_cuts)


def _final(view: _View, cuts: dict[int, _Cut]) -> dict[int, _Cut]:
    """Without vertical lines, which are still to be tried in another way, too."""
    return {n: cut for n, cut in cuts.items() if not view.page.lines[n].vertical}


def _telling(lines: Sequence[FoundLine]) -> list[int]:
    """The longest lines, but not those that are no text by their shape."""
    longest = sorted(range(len(lines)), key=lambda number: -_length(lines[number]))
    return sorted(number for number in longest[:SAMPLE] if _is_text(lines[number]))


def _score(cuts: dict[int, _Cut]) -> float:
    """Confidence 0..1 of all the characters; little text is no proof."""
    characters = [one for cut in cuts.values() for one in cut.reading.characters]
    return mean_confidence(characters) * min(1.0, len(characters) / max(1, 2 * len(cuts)))


def _read(
    view: _View, numbers: Iterable[int], read: ReadLines, *, sideways: bool = True
) -> dict[int, _Cut]:
    """By number of the line. sideways: columns are tried as lines that lie on their side, too."""
    lines, asked = view.page.lines, []
    for number in numbers:
        if _is_text(lines[number]):
            asked.append((number, False))
            if sideways and lines[number].vertical:
                asked.append((number, True))
    laid: list[LaidOut] = []

    def pictures() -> Iterator[Gray]:
        for number, on_its_side in asked:
            laid.append(_laid(view.gray, lines[number], on_its_side=on_its_side))
            yield laid[-1].picture
            laid[-1] = dataclasses.replace(
                laid[-1], picture=laid[-1].picture[:1]
            )  # its width is enough

    found: dict[int, _Cut] = {}
    if not asked:
        return found
    for (number, _), reading, out in zip(asked, read(pictures()), laid, strict=True):
        spans = [
            Spanned(one, out.share(one.left), out.share(one.right)) for one in reading.characters
        ]
        if number in found:  # a column that was read upright, and now lying
            both = best_of(found[number].spans, spans)
            found[number] = _Cut(reading_of(both), tuple(both))
        else:
            found[number] = _Cut(reading, tuple(spans))
    return found


def _laid(gray: Gray, line: FoundLine, *, on_its_side: bool) -> LaidOut:
    if on_its_side:  # Latin in a column of Chinese lies on its right side
        return LaidOut(np.ascontiguousarray(np.rot90(rectified(gray, line))), ())
    return lay_out(gray, line)


def _placed(view: _View, shape: tuple[int, ...], line: FoundLine, cut: _Cut) -> ReadLine:
    """With every place in pixels of the source, whose shape is (H, W)."""
    quad = quad_back(_corners(line), view.turn, shape)
    characters = []
    for spanned in cut.spans:
        one, part = spanned.character, (spanned.begin, spanned.end)
        left, top, right, bottom = box_around((part_of(quad, *part, vertical=line.vertical),))
        characters.append(Character(one.text, one.confidence, left, right, top, bottom))
    return ReadLine(
        cut.reading.text,
        cut.reading.confidence,
        tuple(characters),
        quad,
        line.vertical,
        line.block,
    )


def _corners(line: FoundLine) -> Quad:
    one, two, three, four = line.quad
    return one, two, three, four


def _length(line: FoundLine) -> float:
    one, two, three, four = line.quad
    return max(math.dist(one, two), math.dist(two, three), math.dist(three, four))


def _is_text(line: FoundLine) -> bool:
    one, two, three, _ = line.quad
    across, down = math.dist(one, two), math.dist(two, three)
    return min(across, down) >= 2 and max(across, down) / min(across, down) < _STRIP
