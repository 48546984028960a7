"""What is found on a page, and what the finder may spend: plain records."""

from __future__ import annotations

import dataclasses
from typing import Literal

import numpy as np
import numpy.typing as npt

Point = tuple[float, float]
Floats = npt.NDArray[np.float64]
Finder = Literal["classical", "learned"]


@dataclasses.dataclass(frozen=True)
class FinderSettings:
    """What the finder may spend and where it looks.

    memory_mb: of pixels that are worked on at a time, beside the page itself. Larger pages are
        read in strips; what is found does not depend on it.
    max_skew: degrees to both sides that a page may be turned by.
    min_height: pixels; lower writing is not looked for.
    max_parts: of connected ink; a page with more is noise, not writing.
    """

    memory_mb: int = 256
    max_skew: float = 15.0
    min_height: int = 6
    max_parts: int = 60_000

    def __post_init__(self) -> None:
        """Raises ValueError naming the setting that makes no sense."""
        if self.memory_mb < 16:
            raise ValueError(f"memory_mb: {self.memory_mb} must be 16 or more")
        if not 0 <= self.max_skew <= 45:
            raise ValueError(f"max_skew: {self.max_skew} must lie in 0..45 degrees")
        if self.min_height < 4:
            raise ValueError(f"min_height: {self.min_height} must be 4 or more")
        if self.max_parts < 1:
            raise ValueError(f"max_parts: {self.max_parts} must be 1 or more")


@dataclasses.dataclass(frozen=True)
class FoundLine:
    """One line of text.

    quad: its corners (x, y) in pixels of the page: top-left, top-right, bottom-right, bottom-left
        of the text as it is read.
    vertical: a column whose characters stand one below the other.
    block: paragraph, column or table that it belongs to, counted from 0 in reading order.
    score: 0..1, how much it looks like text.
    """

    quad: tuple[Point, ...]
    vertical: bool
    block: int
    score: float


@dataclasses.dataclass(frozen=True)
class FoundPage:
    """The lines of a page in reading order.

    angle: of skew in degrees, counter-clockwise positive.
    is_line: the whole image is one line of text.
    reason: why nothing was found, or why it is taken for a line; empty otherwise.
    finder: which one looked.
    """

    lines: tuple[FoundLine, ...]
    angle: float
    is_line: bool
    reason: str
    finder: Finder = "classical"
