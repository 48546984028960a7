"""From a page to its lines: the stages in their order."""

from __future__ import annotations

import numpy as np

from ocr_preprocessing.fast import Gray

from . import ink
from .boxes import level_boxes
from .candidates import Candidate, boxes_of, candidates_of, without_rivals
from .found import FinderSettings, FoundLine, FoundPage
from .letters import plausible, sort_parts
from .level import Level, shrunk, turned
from .order import blocks_in_order
from .parts import Parts, parts_of
from .skew import skew_of

PAD = 0.12  # of a line's height around its ink
LEVEL_ENOUGH = 0.4  # degrees; a page turned by less is not turned back first
EASY_PIXELS = 4_500_000  # A4 at 200 dpi; larger pages are first tried smaller
MOST_SHRINK = 4
SMALL_PRINT = 7  # pixels; writing lower than that needs more of them
SMALL_SHARE = 0.1  # of the ink
NOISY = 8.0  # gray levels of noise that shrinking has left: nothing smaller is to be read
LEAST_CONTRAST = 24  # gray levels between the lightest and the darkest pixel of a page
SMALL_LINE = 64  # rows; a picture of no more may be a line although none was found
UNSURE = 0.3  # score of such a line
MANY_SPECKS = 1_000
LINE_SHARE = 0.35  # of the image's height that its only row has, where the image is that line


def find_lines(gray: Gray, settings: FinderSettings = FinderSettings()) -> FoundPage:  # noqa: B008  # frozen
    """The lines of text on a page (H, W) UINT8, in reading order. Never raises on any pixels."""
    level, dark = _first_look(gray, settings)
    if len(dark) > settings.max_parts:
        reason = f"nothing but noise: {len(dark):,} specks"
        return FoundPage((), 0.0, is_line=False, reason=reason)
    least = max(5, settings.min_height // level.shrink)
    sorted_ = sort_parts(_plausible(level, dark, dark[:0], least), least=least)
    angle = skew_of(sorted_.letters, settings.max_skew)
    if abs(angle) > LEVEL_ENOUGH:
        level = turned(level, angle)
        dark = _parts(level, settings)
    light = dark[:0]
    if ink.has_dark_ground(level.gray):
        light = _parts(level, settings, light=True)
    either = candidates_of(_plausible(level, dark, light, least), least=least)
    either += candidates_of(_plausible(level, light, dark, least), least=least)
    candidates = without_rivals([one for one in either if _is_on_page(level, one, gray.shape)])
    if not candidates:
        return _nothing(gray, len(dark))
    angle = round(angle + _rest_of_skew(candidates), 2)
    lines = _in_order(level, candidates)
    if _is_one_row(level, candidates):
        return FoundPage(lines, angle, is_line=True, reason="one row fills the image")
    return FoundPage(lines, angle, is_line=False, reason="")


def _is_on_page(level: Level, one: Candidate, shape: tuple[int, ...]) -> bool:
    """Whether its middle is: a turned view has corners beyond the page (H, W), where the page's
    edge goes on, and there noise at the edge may look like letters.
    """
    ((x, y),) = level.to_page(one.corners.mean(axis=0, keepdims=True))
    return bool(0 <= x < shape[1] and 0 <= y < shape[0])


def _nothing(gray: Gray, specks: int) -> FoundPage:
    """Of a page without lines: a small picture may still be one, of few or of worn letters."""
    rows, columns = gray.shape
    contrast = int(gray.max()) - int(gray.min()) if gray.size else 0
    if contrast < LEAST_CONTRAST:
        return FoundPage((), 0.0, is_line=False, reason="no text found: the page is blank")
    if rows <= SMALL_LINE and columns <= SMALL_LINE * rows:
        quad = (
            (0.0, 0.0),
            (float(columns), 0.0),
            (float(columns), float(rows)),
            (0.0, float(rows)),
        )
        whole = FoundLine(quad, vertical=False, block=0, score=UNSURE)
        return FoundPage((whole,), 0.0, is_line=True, reason="no larger than one line")
    found = f"{specks:,} specks" if specks > MANY_SPECKS else "nothing that is like letters"
    return FoundPage((), 0.0, is_line=False, reason=f"no text found: {found}")


def _first_look(gray: Gray, settings: FinderSettings) -> tuple[Level, Parts]:
    """The page as small as its writing allows, and its dark ink."""
    shrink = 1
    while shrink < MOST_SHRINK and gray.size > EASY_PIXELS * shrink**2:
        shrink += 1
    while True:
        level = shrunk(gray, shrink)
        parts = _parts(level, settings)
        if shrink == 1 or not _has_small_print(parts) or level.noise > NOISY:
            return level, parts
        shrink //= 2


def _has_small_print(parts: Parts) -> bool:
    """Whether much of the ink is low; words whose letters touch count, dashes do not."""
    dash = (parts.width > 2 * parts.height) & (parts.area > 0.75 * parts.width * parts.height)
    low = (parts.height < SMALL_PRINT) & ~dash
    return bool(parts.area[low].sum() > SMALL_SHARE * parts.area.sum())


def _parts(level: Level, settings: FinderSettings, *, light: bool = False) -> Parts:
    return parts_of(level.strips(light=light, memory_mb=settings.memory_mb), least=2)


def _plausible(level: Level, parts: Parts, others: Parts, least: int) -> Parts:
    return plausible(parts, others, rows=level.rows, columns=level.columns, least=least)


def _rest_of_skew(candidates: list[Candidate]) -> float:
    """Degrees that the longer half of the lines still rises by, counter-clockwise positive."""
    along = np.array([one.rise for one in candidates])
    long = along[along[:, 0] >= np.median(along[:, 0])]
    return float(-np.degrees(np.arctan(np.median(long[:, 1] / np.maximum(long[:, 0], 1)))))


def _in_order(level: Level, candidates: list[Candidate]) -> tuple[FoundLine, ...]:
    vertical = np.array([one.vertical for one in candidates])
    boxes = level_boxes(np.array([one.corners for one in candidates]), vertical)
    blocks = blocks_in_order(boxes, vertical)
    return tuple(
        FoundLine(_quad(level, candidates[i]), candidates[i].vertical, block, candidates[i].score)
        for block, members in enumerate(blocks)
        for i in members
    )


def _is_one_row(level: Level, candidates: list[Candidate]) -> bool:
    """Whether all lines share a row that is about as high as the image."""
    vertical = candidates[0].vertical
    if any(one.vertical != vertical for one in candidates):
        return False
    low, high = (corner[:, 0 if vertical else 1] for corner in boxes_of(candidates))
    room = level.columns if vertical else level.rows
    return bool(high.min() - low.max() > 0 and high.max() - low.min() > LINE_SHARE * room)


def _quad(level: Level, one: Candidate) -> tuple[tuple[float, float], ...]:
    corners = one.corners
    pad = PAD * float(
        corners[1, 0] - corners[0, 0] if one.vertical else corners[3, 1] - corners[0, 1]
    )
    padded = corners + np.array([[-pad, -pad], [pad, -pad], [pad, pad], [-pad, pad]])
    return tuple((float(x), float(y)) for x, y in level.to_page(padded))
