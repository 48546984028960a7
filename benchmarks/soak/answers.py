"""What an arm of `graphs` answers, by plain arithmetic; client processes need nothing else of it."""

from __future__ import annotations

import dataclasses
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from ocr_rollout.core.routing import Arm

Kind = Literal["healthy", "raises", "empty", "garbage"]
Pixels = npt.NDArray[np.uint8]

PRIME: Final = 99_999_989  # the largest below 10^8: eight digits
DIGITS: Final = 8
PARTS: Final = 1_000  # a share of images is told by the number modulo this
SPOILT: Final = 0xFFFD
# Of row r; any different odd numbers do. Columns weigh 1, 2, 3, ...
ROWS: Final = np.array([3 * row * row + 2 * row + 1 for row in range(32)], np.int64)


@dataclasses.dataclass(frozen=True)
class MadeArm:
    """share: of the images that it is bad on, 0..1, the same ones each time."""

    arm: Arm
    kind: Kind = "healthy"
    share: float = 0.0

    @property
    def letter(self) -> str:
        """What its answers begin with: no two arms of a run have the same."""
        first = "一" if self.arm.model == "crnn" else "@"
        return chr(ord(first) + self.arm.version)


def number(pixels: Pixels) -> int:
    """(1, 32, W) UINT8, as they are sent -> what the digits say."""
    columns = (pixels[0].astype(np.int64) * ROWS[:, None]).sum(axis=0)
    return int((columns * np.arange(1, len(columns) + 1)).sum() % PRIME)


def expected(made: MadeArm, found: int) -> str | None:
    """What the arm answers to an image of this number; None where it raises."""
    if made.kind != "healthy" and found % PARTS < round(made.share * PARTS):
        return {"raises": None, "empty": "", "garbage": chr(SPOILT) * (DIGITS + 1)}[made.kind]
    return f"{made.letter}{found:0{DIGITS}d}"
