"""From a page to its lines, by the maps of a model."""

from __future__ import annotations

import cv2
import numpy as np

from ocr_preprocessing.fast import Gray
from ocr_preprocessing.page.boxes import Boxes, level_boxes
from ocr_preprocessing.page.found import Floats, FoundLine, FoundPage
from ocr_preprocessing.page.order import blocks_in_order

from .maps import AskMaps, maps_of
from .marks import Marks, marks_of
from .pieces import joined_up
from .scale import Look, closer_look, first_look

PAD = 0.1  # of a line's height around its ink
LINE_SHARE = 0.35  # of the image's height that its only row has, where the image is that line
BLANK = 24  # gray levels between the lightest and the darkest pixel


def find_lines_learned(gray: Gray, ask: AskMaps) -> FoundPage:
    """The lines of text on a page (H, W) UINT8, in reading order.

    ask: the model. Raises MapsError, and what `ask` raises; never on any pixels.
    """
    if not gray.size or int(gray.max()) - int(gray.min()) < BLANK:
        return _found((), 0.0, reason="no text found: the page is blank")
    look = first_look(gray.shape[0], gray.shape[1])
    marks = _looked(gray, look, ask)
    closer = closer_look(look, gray.shape[0], gray.shape[1], marks.thickness)
    if closer is not None:
        look = closer
        marks = _looked(gray, look, ask)
    if not len(marks):
        return _found((), 0.0, reason="no text found: nothing that the line finder takes for it")
    scale = np.array([gray.shape[1] / look.columns, gray.shape[0] / look.rows])
    return _page(gray, marks, scale)


def _looked(gray: Gray, look: Look, ask: AskMaps) -> Marks:
    seen = gray
    if (look.rows, look.columns) != gray.shape:
        size = (look.columns, look.rows)
        seen = np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8)
    return joined_up(marks_of(maps_of(seen, ask)))


def _page(gray: Gray, marks: Marks, scale: Floats) -> FoundPage:
    boxes = level_boxes(marks.quads * scale, marks.vertical)
    quads = _padded(marks) * scale
    lines = tuple(
        FoundLine(
            tuple((float(x), float(y)) for x, y in quads[i]),
            bool(marks.vertical[i]),
            block,
            round(float(marks.score[i]), 4),
        )
        for block, members in enumerate(blocks_in_order(boxes, marks.vertical))
        for i in members
    )
    degrees = round(-float(np.degrees(_usual_angle(marks))), 2)
    if _is_one_row(gray, boxes, marks):
        return _found(lines, degrees, is_line=True, reason="one row fills the image")
    return _found(lines, degrees)


def _found(
    lines: tuple[FoundLine, ...], angle: float, *, is_line: bool = False, reason: str = ""
) -> FoundPage:
    return FoundPage(lines, angle, is_line=is_line, reason=reason, finder="learned")


def _usual_angle(marks: Marks) -> float:
    """Radians that most of the text is turned by, clockwise positive; long lines count more."""
    length = np.linalg.norm(marks.quads[:, 1] - marks.quads[:, 0], axis=1)
    down = np.linalg.norm(marks.quads[:, 3] - marks.quads[:, 0], axis=1)
    weight = np.where(marks.vertical, down, length)
    order = np.argsort(marks.angle)
    share = np.cumsum(weight[order])
    return float(marks.angle[order][np.searchsorted(share, share[-1] / 2)])


def _padded(marks: Marks) -> Floats:
    across = marks.quads[:, 1] - marks.quads[:, 0]
    down = marks.quads[:, 3] - marks.quads[:, 0]
    pad = PAD * marks.thickness[:, None]
    u = across / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9) * pad
    v = down / np.maximum(np.linalg.norm(down, axis=1, keepdims=True), 1e-9) * pad
    return np.asarray(marks.quads + np.stack([-u - v, u - v, u + v, v - u], axis=1))


def _is_one_row(gray: Gray, boxes: Boxes, marks: Marks) -> bool:
    """Whether all lines share a row that is about as high as the image."""
    if marks.vertical.any() and not marks.vertical.all():
        return False
    vertical = bool(marks.vertical.all())
    low, high = (boxes.left, boxes.right) if vertical else (boxes.top, boxes.bottom)
    room = gray.shape[1] if vertical else gray.shape[0]
    return bool(high.min() - low.max() > 0 and high.max() - low.min() > LINE_SHARE * room)
