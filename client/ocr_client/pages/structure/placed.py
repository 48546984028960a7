"""Lines as upright boxes: the page turned so that its text runs level."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Iterable, Sequence

import numpy as np

from ocr_client.shapes import Box, Point, Quad, box_around, quad_of

STEADY = 8  # long lines, of fewer nothing is said but which way they run
LONG = 4.0  # heights of a line whose slope is measured
STEEPEST = 0.25  # rise over run that lines of one page differ by from the usual one


@dataclasses.dataclass(frozen=True)
class Frame:
    """Where things are in the upright page. Seen aslant, its lines fan out: their slope changes
    with `across` for each pixel to the right, and with `down` for each one down, from `middle` on.

    angle: radians that the text is turned by, clockwise as it is seen.
    """

    angle: float
    middle: Point = (0.0, 0.0)
    across: float = 0.0
    down: float = 0.0

    def box(self, quad: Quad) -> Box:
        one, two, three, four = map(self.point, quad)
        return box_around(((one, two, three, four),))

    def point(self, point: Point) -> Point:
        cosine, sine = math.cos(self.angle), math.sin(self.angle)
        x, y = point[0] * cosine + point[1] * sine, point[1] * cosine - point[0] * sine
        aside, below = x - self.middle[0], y - self.middle[1]
        return x, y - (self.across * aside * aside / 2 + self.down * aside * below)

    def back(self, box: Box) -> Box:
        """Around it in the image."""
        one, two, three, four = map(self._image_point, quad_of(box))
        return box_around(((one, two, three, four),))

    def _image_point(self, point: Point) -> Point:
        """`point` the other way round."""
        x, y = point
        aside, below = x - self.middle[0], y - self.middle[1]
        below = (below + self.across * aside * aside / 2) / (1 - self.down * aside)
        y = self.middle[1] + below
        cosine, sine = math.cos(self.angle), math.sin(self.angle)
        return cosine * x - sine * y, sine * x + cosine * y


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
    if not quads:
        return Frame(0.0)
    lengths, angles = [], []
    for quad, vertical in quads:
        begin, end = quad[0], quad[3 if vertical else 1]
        across, down = end[0] - begin[0], end[1] - begin[1]
        lengths.append(math.hypot(across, down))
        angle = math.atan2(down, across) - (math.pi / 2 if vertical else 0)
        angles.append((angle + math.pi) % (2 * math.pi) - math.pi)
    usual = statistics.median(lengths)
    long = [angle for angle, length in zip(angles, lengths, strict=True) if length >= usual]
    rough = round(statistics.median(long) / (math.pi / 2)) * math.pi / 2
    away = [math.remainder(angle - rough, math.tau) for angle in long]
    near = [one for one in away if abs(one) < STEEPEST]
    straight = Frame(rough + (statistics.median(near) if near else 0.0))
    return _fanned(straight, [quad for quad, vertical in quads if not vertical])


def _fanned(frame: Frame, quads: Sequence[Quad]) -> Frame:
    """With how the slope of long lines changes over the page; of few lines the same frame."""
    rows = []
    for quad in quads:
        corners = [frame.point(corner) for corner in quad]
        run = corners[1][0] - corners[0][0], corners[1][1] - corners[0][1]
        if run[0] > LONG * math.dist(corners[0], corners[3]) and abs(run[1]) < STEEPEST * run[0]:
            x, y = (sum(corner[axis] for corner in corners) / 4 for axis in (0, 1))
            rows.append((x, y, run[1] / run[0], run[0]))
    if len(rows) < STEADY:
        return frame
    table = np.array(rows)
    middle = np.median(table[:, :2], axis=0)
    size = max(1.0, float(np.ptp(table[:, :2], axis=0).max()))
    known = np.column_stack([np.ones(len(table)), (table[:, :2] - middle) / size])
    weight = table[:, 3] / table[:, 3].max()
    for _ in range(3):  # what lies far off counts less each time
        scaled = known * weight[:, None]
        ridge = 0.003 * weight.sum() * np.diag([0.0, 1.0, 1.0])
        found = np.linalg.solve(scaled.T @ known + ridge + 1e-9 * np.eye(3), scaled.T @ table[:, 2])
        off = np.abs(table[:, 2] - known @ found)
        weight = table[:, 3] / table[:, 3].max() / (1 + (off / 0.01) ** 2)
    slope, across, down = found.tolist()
    turned = frame.angle + math.atan(slope)
    change = np.array([[math.cos(slope), math.sin(slope)], [-math.sin(slope), math.cos(slope)]])
    x, y = (change @ middle).tolist()
    return Frame(turned, (x, y), across / size, down / size)


def around(boxes: Iterable[Box]) -> Box:
    """Around all of them. At least one."""
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def share(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Of the shorter one of two spans, that both cover; below 0 where there is a gap."""
    common = min(one[1], other[1]) - max(one[0], other[0])
    return common / max(1e-6, min(one[1] - one[0], other[1] - other[0]))
