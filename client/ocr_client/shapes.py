"""Places in an image, in pixels; y counts downwards."""

from __future__ import annotations

from collections.abc import Iterable

Point = tuple[float, float]
Quad = tuple[Point, Point, Point, Point]
Box = tuple[float, float, float, float]


def box_around(quads: Iterable[Quad]) -> Box:
    """left, top, right, bottom of all the corners. At least one quad."""
    corners = [corner for quad in quads for corner in quad]
    across, down = [x for x, _ in corners], [y for _, y in corners]
    return min(across), min(down), max(across), max(down)


def quad_of(box: Box) -> Quad:
    """Its corners as of a `Quad`."""
    left, top, right, bottom = box
    return (left, top), (right, top), (right, bottom), (left, bottom)


def rounded(box: Box) -> list[float]:
    return [round(side, 1) for side in box]
