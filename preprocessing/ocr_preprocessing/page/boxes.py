"""Lines as upright boxes, of the page turned level."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from .found import Floats
from .frame import frame_of
from .parts import Numbers


@dataclasses.dataclass(frozen=True)
class Boxes:
    """Upright boxes of lines, arrays (n,); y counts downwards."""

    left: Floats
    top: Floats
    right: Floats
    bottom: Floats

    def __len__(self) -> int:
        return len(self.left)

    def __getitem__(self, some: Numbers) -> Boxes:
        return Boxes(self.left[some], self.top[some], self.right[some], self.bottom[some])

    @property
    def height(self) -> Floats:
        return self.bottom - self.top

    def from_the_right(self) -> Boxes:
        """The same boxes for whom columns are lines: the rightmost one is the topmost."""
        return Boxes(self.top, -self.right, self.bottom, -self.left)


def level_boxes(quads: Floats, vertical: npt.NDArray[np.bool_]) -> Boxes:
    """Of lines (n, 4, 2) in the upright page, each as thick as it is and not as its slope makes it.

    vertical (n,): which are columns, as thick as they are wide.
    """
    frame = frame_of(quads, vertical)
    x, y = frame.level(quads[..., 0], quads[..., 1])
    middle_x, middle_y = x.mean(axis=1), y.mean(axis=1)
    wide = (x[:, 1:3].sum(axis=1) - x[:, ::3].sum(axis=1)) / 2
    high = (y[:, 2:].sum(axis=1) - y[:, :2].sum(axis=1)) / 2
    return Boxes(
        np.where(vertical, middle_x - wide / 2, x.min(axis=1)),
        np.where(vertical, y.min(axis=1), middle_y - high / 2),
        np.where(vertical, middle_x + wide / 2, x.max(axis=1)),
        np.where(vertical, y.max(axis=1), middle_y + high / 2),
    )
