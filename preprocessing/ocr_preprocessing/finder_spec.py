"""What goes into a line finder and what its maps mean. Lives with the model, in its parameters."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final

from ocr_preprocessing.spec import SpecError

STRIDE: Final = 32  # height and width of what goes in are multiples of it
CELL: Final = 2  # pixels a side of a place in the maps of kernels and texts
COARSE: Final = 4  # pixels a side of a place in the maps of heights and columns
STEPS: Final = 28  # of the height's code to an octave: 255 is 551 pixels
SHRUNK: Final = 0.25  # of a line's height is missing on each side of its kernel
INPUT: Final = "page"
OUTPUTS: Final = ("where", "shape")
KEY: Final = "ocr_finder_maps"


@dataclasses.dataclass(frozen=True)
class FinderSpec:
    """maps: number of the meaning described in this module.

    `page` UINT8 (N, 1, H, W) gives `where` UINT8 (N, 2, H/2, W/2): 255 times the probabilities of
    a kernel and of text; and `shape` UINT8 (N, 2, H/4, W/4): STEPS times log2 of the line's height
    in pixels, and 255 times the probability of a column.
    """

    maps: int = 1

    def __post_init__(self) -> None:
        """Raises SpecError for maps that this code does not know."""
        if self.maps != 1:
            raise SpecError(f"{KEY}: {self.maps} is not known here; known: 1")

    def to_parameters(self) -> dict[str, str]:
        """For config.pbtxt."""
        return {KEY: str(self.maps)}

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, str]) -> FinderSpec:
        """Raises SpecError naming the parameter."""
        said = parameters.get(KEY, "")
        if not said.isdigit():
            raise SpecError(f"{KEY}: {said!r} is no whole number; known: 1")
        return cls(int(said))


def finds_lines(parameters: Mapping[str, str]) -> bool:
    """Whether these parameters of a model are a line finder's, and not a recogniser's."""
    return KEY in parameters
