"""The page turned so that its text runs level, and laid flat where it was seen aslant."""

from __future__ import annotations

import dataclasses
import math
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from .found import Floats

STEADY: Final = 8  # long lines, of fewer nothing is said but which way they run
LONG: Final = 4.0  # heights of a line whose slope is measured
STEEPEST: Final = 0.25  # rise over run that lines of one page differ by from the usual one
ROUNDS: Final = 3  # of the fit; what lies far off counts less each time
STRAY: Final = 0.01  # rise over run that is far off
RIDGE: Final = 0.003  # pulls the change of the slope to none, where few lines tell

Coordinates = TypeVar("Coordinates", float, Floats)


@dataclasses.dataclass(frozen=True)
class Frame:
    """Where things are in the upright page. Seen aslant, its lines fan out: their slope changes
    with `across` for each pixel to the right, and with `down` for each one down, from `middle` on.

    angle: radians that the text is turned by, clockwise as it is seen.
    """

    angle: float
    middle: tuple[float, float] = (0.0, 0.0)
    across: float = 0.0
    down: float = 0.0

    def level(self, x: Coordinates, y: Coordinates) -> tuple[Coordinates, Coordinates]:
        """Where pixels of the image are in the upright page."""
        cosine, sine = math.cos(self.angle), math.sin(self.angle)
        x, y = x * cosine + y * sine, y * cosine - x * sine
        aside, below = x - self.middle[0], y - self.middle[1]
        return x, y - (self.across * aside * aside / 2 + self.down * aside * below)

    def image(self, x: float, y: float) -> tuple[float, float]:
        """`level` the other way round."""
        aside, below = x - self.middle[0], y - self.middle[1]
        below = (below + self.across * aside * aside / 2) / (1 - self.down * aside)
        y = self.middle[1] + below
        cosine, sine = math.cos(self.angle), math.sin(self.angle)
        return cosine * x - sine * y, sine * x + cosine * y


def frame_of(quads: Floats, vertical: npt.NDArray[np.bool_]) -> Frame:
    """Of lines. quads (n, 4, 2); vertical (n,): which are columns, whose text goes down."""
    if not len(quads):
        return Frame(0.0)
    end = np.where(vertical[:, None], quads[:, 3], quads[:, 1])
    across, down = (end - quads[:, 0]).T
    length = np.hypot(across, down)
    long = length >= np.median(length)
    angle = np.arctan2(down, across) - np.where(vertical, np.pi / 2, 0.0)
    rough = round(float(np.median(_about_zero(angle)[long])) / (math.pi / 2)) * math.pi / 2
    away = _about_zero(angle[long] - rough)
    near = away[np.abs(away) < STEEPEST]
    straight = Frame(rough + (float(np.median(near)) if len(near) else 0.0))
    return _fanned(straight, quads[~vertical])


def _about_zero(angle: Floats) -> Floats:
    """The same angles, from -pi on and below pi."""
    return (angle + np.pi) % (2 * np.pi) - np.pi


def _fanned(frame: Frame, quads: Floats) -> Frame:
    """With how the slope of long lines changes over the page; of few lines the same frame."""
    corners = np.stack(frame.level(quads[..., 0], quads[..., 1]), axis=-1)
    run, rise = (corners[:, 1] - corners[:, 0]).T
    high = np.linalg.norm(corners[:, 3] - corners[:, 0], axis=1)
    told = (run > LONG * high) & (np.abs(rise) < STEEPEST * run)
    if np.count_nonzero(told) < STEADY:
        return frame
    place, run, slopes = corners[told].mean(axis=1), run[told], rise[told] / run[told]
    middle = np.median(place, axis=0)
    size = max(1.0, float(np.ptp(place, axis=0).max()))
    known = np.column_stack([np.ones(len(place)), (place - middle) / size])
    weight = run / run.max()
    for _ in range(ROUNDS):
        scaled = known * weight[:, None]
        ridge = RIDGE * weight.sum() * np.diag([0.0, 1.0, 1.0])
        found = np.linalg.solve(scaled.T @ known + ridge + 1e-9 * np.eye(3), scaled.T @ slopes)
        weight = run / run.max() / (1 + ((slopes - known @ found) / STRAY) ** 2)
    slope, across, down = found.tolist()
    change = np.array([[math.cos(slope), math.sin(slope)], [-math.sin(slope), math.cos(slope)]])
    x, y = (change @ middle).tolist()
    return Frame(frame.angle + math.atan(slope), (x, y), across / size, down / size)
