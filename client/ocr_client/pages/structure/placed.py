"""Lines as upright boxes: the page turned so that its text runs level."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np

from ocr_client.shapes import Box, Point, Quad, box_around, quad_of
from ocr_preprocessing import page
from ocr_preprocessing.page import Frame


@dataclasses.dataclass(frozen=True)
class Placed:
    """A piece of a line, or all of it, in the upright page. line: its number."""

    line: int
    text: str
    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def middle(self) -> Point:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    @property
    def box(self) -> Box:
        return self.left, self.top, self.right, self.bottom


def frame_of(quads: Sequence[tuple[Quad, bool]]) -> Frame:
    """quads: each with whether it is a column, whose text goes down."""
    corners = np.array([quad for quad, _ in quads], np.float64).reshape(-1, 4, 2)
    return page.frame_of(corners, np.array([vertical for _, vertical in quads], np.bool_))


def placed_box(frame: Frame, quad: Quad) -> Box:
    """Around a quad of the image in the upright page."""
    one, two, three, four = (frame.level(*corner) for corner in quad)
    return box_around(((one, two, three, four),))


def image_box(frame: Frame, box: Box) -> Box:
    """Around a box of the upright page in the image."""
    one, two, three, four = (frame.image(*corner) for corner in quad_of(box))
    return box_around(((one, two, three, four),))


def around(boxes: Iterable[Box]) -> Box:
    """Around all of them. At least one."""
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def share(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Of the shorter one of two spans, that both cover; below 0 where there is a gap."""
    common = min(one[1], other[1]) - max(one[0], other[0])
    return common / max(1e-6, min(one[1] - one[0], other[1] - other[0]))
