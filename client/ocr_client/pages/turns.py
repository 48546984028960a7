"""Quarter turns of an image, and the way back from what was found in the turned one."""

from __future__ import annotations

from typing import Final, get_args

import numpy as np

from ocr_client.results import Point, Quad, Turn
from ocr_preprocessing.fast import Gray

TURNS: Final[tuple[Turn, ...]] = get_args(Turn)


def turned(gray: Gray, turn: Turn) -> Gray:
    """(H, W) turned clockwise, by degrees; contiguous."""
    return np.ascontiguousarray(np.rot90(gray, -(turn // 90)))


def turned_back(point: Point, turn: Turn, shape: tuple[int, ...]) -> Point:
    """A point of the turned image -> the same one of the source. shape: (H, W) of the source."""
    height, width = shape[:2]
    x, y = point
    if turn == 90:
        return y, height - x
    if turn == 180:
        return width - x, height - y
    if turn == 270:
        return width - y, x
    return x, y


def quad_back(quad: Quad, turn: Turn, shape: tuple[int, ...]) -> Quad:
    """Corner by corner, so that the first one stays the text's own top-left."""
    one, two, three, four = (turned_back(point, turn, shape) for point in quad)
    return one, two, three, four


def part_of(quad: Quad, begin: float, end: float, *, vertical: bool) -> Quad:
    """The piece of a line between two shares 0..1 of its length.

    vertical: the text goes from the top-left corner to the bottom-left one.
    """
    top_left, top_right, bottom_right, bottom_left = quad
    if vertical:
        return (
            _between(top_left, bottom_left, begin),
            _between(top_right, bottom_right, begin),
            _between(top_right, bottom_right, end),
            _between(top_left, bottom_left, end),
        )
    return (
        _between(top_left, top_right, begin),
        _between(top_left, top_right, end),
        _between(bottom_left, bottom_right, end),
        _between(bottom_left, bottom_right, begin),
    )


def _between(one: Point, other: Point, share: float) -> Point:
    return one[0] + share * (other[0] - one[0]), one[1] + share * (other[1] - one[1])
