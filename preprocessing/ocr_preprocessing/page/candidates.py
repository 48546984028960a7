"""From letters and marks to what may be lines, level or upright, dark or light."""

from __future__ import annotations

import dataclasses

import numpy as np

from .colons import colon_boxes
from .columns import in_columns
from .found import Floats
from .gaps import pieces_of
from .letters import MARK, Sorted, outside, sort_parts
from .likeness import KEPT, SURE, Looks, looks, scores
from .parts import Numbers, Parts
from .rows import rows_of
from .segments import Segment, segments_of, with_marks
from .splinters import without_splinters

CROWD = 40  # letters; of fewer nothing is concluded
ORDERLY = 0.45  # of the letters of a page are in lines of SURE or more
SWARM = 1_000  # letters out of order: noise, in which lines come about by chance
STRAY = 0.3  # rows for each letter of a swarm; text has less than a fifth
BEYOND_DOUBT = 0.8  # of a line's score
ROUNDS = 5  # sizes of writing on a page, each at most half of the one before
INSIDE = 0.7  # of a box in another one
HELD = 0.5  # times as high at most: lines that a candidate holds, which is then their ground
CELL = 0.8  # heights that a colon and the room around it are wide
COLON_MARGIN = 0.1  # heights of the line beside it that a colon's box is higher at both ends
HALVES = 0.3  # usual heights between the halves of a character side by side
RIVAL = 0.3  # of the smaller one's box that two candidates share: only one of them is a line


@dataclasses.dataclass(frozen=True)
class Candidate:
    """What may be a line.

    corners: (4, 2) in pixels of the levelled page, as of `FoundLine.quad`. rise: (2,), from its
    beginning to its end as if it were not vertical.
    """

    corners: Floats
    rise: Floats
    vertical: bool
    looks: Looks
    score: float


def candidates_of(parts: Parts, *, least: int) -> list[Candidate]:
    """All lines that may be text, of one polarity: the larger half of its sizes first, then
    what was too small for that. least: pixels of the lowest writing.
    """
    found: list[Candidate] = []
    for _ in range(ROUNDS):
        sorted_ = sort_parts(parts, least=least)
        if not len(sorted_.letters):
            break
        lines = _in_doubt(_of_one_size(sorted_), len(sorted_.letters))
        lines += colons(sorted_.marks, lines)
        found += lines
        parts = outside(sorted_.marks, *boxes_of(lines))
    rated = zip(found, scores([one.looks for one in found]).tolist(), strict=True)
    return [dataclasses.replace(one, score=score) for one, score in rated if score >= KEPT]


def _in_doubt(lines: list[Candidate], letters: int) -> list[Candidate]:
    """The lines, or where most of the `letters` stand in none, only those beyond doubt: of text
    four in five do, of foliage and of specks one in four by chance.
    """
    together = sum(one.looks.letters for one in lines if one.looks.letters >= SURE)
    if letters < CROWD or together > ORDERLY * letters:
        return lines
    if letters > SWARM:
        return []
    return [one for one in lines if one.looks.letters > SURE and one.score > BEYOND_DOUBT]


def boxes_of(candidates: list[Candidate]) -> tuple[Floats, Floats]:
    """Upper left and lower right corners, (n, 2) each."""
    corners = np.array([one.corners for one in candidates]).reshape(-1, 4, 2)
    return corners.min(axis=1), corners.max(axis=1)


def _of_one_size(sorted_: Sorted) -> list[Candidate]:
    letters, marks, usual = sorted_.letters, sorted_.marks, sorted_.height
    upright = in_columns(letters, usual)
    down, beside = letters[upright], marks
    if len(down) == len(letters):  # then also Latin letters on their side, and dashes
        down, beside = letters + marks, marks[:0]
    # The halves of a character stand beside each other, and what is narrow is a mark.
    down = without_splinters(down.transposed(), usual, close=HALVES)
    narrow = down.height < MARK * usual
    beside = beside.transposed() + down[narrow]
    columns = _lines(down[~narrow], beside, usual, vertical=True)
    if len(down) < len(letters):  # of a page of rows: one letter alone is no column
        columns = [one for one in columns if one.looks.letters > 1]
    return columns + _lines(letters[~upright], marks, usual, vertical=False)


def _lines(letters: Parts, marks: Parts, usual: float, *, vertical: bool) -> list[Candidate]:
    if not len(letters):
        return []
    row_of = rows_of(letters, usual)
    if len(letters) > SWARM and row_of.max() + 1 > STRAY * len(letters):
        return []
    rows = with_marks(letters, marks, segments_of(letters, row_of))
    return [
        one
        for piece in pieces_of(letters, marks, rows)
        if (one := _candidate(letters, piece, vertical=vertical)).score >= KEPT
    ]


def colons(marks: Parts, lines: list[Candidate]) -> list[Candidate]:
    """Colons that stand alone between a label and its value."""
    found = []
    for box, i in colon_boxes(marks, [one.looks for one in lines if not one.vertical]):
        left, top, right, bottom = box
        beside = [one for one in lines if not one.vertical][i].looks
        margin = COLON_MARGIN * beside.height
        top, bottom = top - margin, bottom + margin
        room = max(0.0, CELL * (bottom - top) - (right - left)) / 2
        left, right = left - room, right + room
        corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
        like = dataclasses.replace(
            beside, left=left, top=top, right=right, bottom=bottom, letters=1
        )
        found.append(Candidate(corners, corners[1] - corners[0], False, like, like.score))
    return found


def _candidate(letters: Parts, segment: Segment, *, vertical: bool) -> Candidate:
    like = looks(letters, segment)
    corners = segment.corners
    rise = corners[1] - corners[0]
    if vertical:  # mirrored at the diagonal: the line begins where it did, its top is its left
        corners = corners[[0, 3, 2, 1], ::-1]
        rise = rise * np.array([1, -1])
        like = dataclasses.replace(
            like, left=like.top, top=like.left, right=like.bottom, bottom=like.right
        )
    return Candidate(corners, rise, vertical, like, like.score)


def without_rivals(candidates: list[Candidate]) -> list[Candidate]:
    """Of candidates that lie over each other the one of more letters, or of larger ones: the
    holes of letters are light ink, too, and a dark bar with light letters could be a dark word.

    First goes what holds others that have more letters together: the paper between rules.
    """
    if len(candidates) < 2:
        return candidates
    low, high = boxes_of(candidates)
    area = (high - low).prod(axis=1)
    weight = np.array([one.score * one.looks.letters for one in candidates])
    height = np.array([one.looks.height for one in candidates])

    def shared(i: int, others: Numbers) -> Floats:
        """Of the smaller box of each two."""
        common = np.minimum(high[i], high[others]) - np.maximum(low[i], low[others])
        return np.asarray(
            np.clip(common, 0, None).prod(axis=1) / np.minimum(area[i], area[others]), np.float64
        )

    everything = np.arange(len(candidates))
    left = [
        i
        for i in everything.tolist()
        if weight[(shared(i, everything) > INSIDE) & (height < HELD * height[i])].sum() <= weight[i]
    ]
    kept: list[int] = []
    for i in sorted(left, key=lambda i: (-weight[i], -height[i])):
        if not (shared(i, np.array(kept, int)) > RIVAL).any():
            kept.append(i)
    return [candidates[i] for i in sorted(kept)]
