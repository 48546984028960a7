"""What a model wants done to a line before it reads it, as one frozen record.

The record travels with the model: training uses it, export writes it into `parameters` of
`config.pbtxt`, the client reads it back from Triton. It is never copied by hand.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal, get_args

Stages = Literal["fast", "exact", "bilinear"]

WIDTH_BUCKETS = (96, 128, 192, 256, 320, 384, 512, 640, 768, 1024)


class SpecError(ValueError):
    """A model's parameters do not describe a preprocessing this client knows. Names the key."""


@dataclasses.dataclass(frozen=True)
class LineSpec:
    """Preprocessing of one model.

    height: rows of the line in pixels.
    stages: `fast` scales first and stretches contrast; `exact` is the original four stages;
        `bilinear` only scales, and squeezes lines wider than the largest bucket into it.
    width_buckets: the widths in pixels that lines are padded to, ascending. Wider lines are
        read in overlapping windows of the largest one. One alone: the model takes no other.
    pad_value: gray value 0..255 of the padding on the right.
    stride: pixels per output step of the model.
    """

    height: int = 32
    stages: Stages = "fast"
    width_buckets: tuple[int, ...] = WIDTH_BUCKETS
    pad_value: int = 0
    stride: int = 4

    def __post_init__(self) -> None:
        """Raises SpecError when a value makes no sense."""
        if self.stages not in get_args(Stages):
            raise SpecError(f"stages: {self.stages!r} is not one of {', '.join(get_args(Stages))}")
        if not self.width_buckets or list(self.width_buckets) != sorted(set(self.width_buckets)):
            raise SpecError(f"width_buckets: {self.width_buckets} must ascend and not be empty")
        for key in ("height", "stride"):
            if getattr(self, key) < 1:
                raise SpecError(f"{key}: {getattr(self, key)} must be 1 or more")
        if any(width < 1 or width % self.stride for width in self.width_buckets):
            raise SpecError(f"width_buckets: each must be a positive multiple of {self.stride}")
        if not 0 <= self.pad_value <= 255:
            raise SpecError(f"pad_value: {self.pad_value} must lie in 0..255")

    @property
    def fixed_width(self) -> int | None:
        """The only width that the model takes; None where it takes several."""
        return self.width_buckets[0] if len(self.width_buckets) == 1 else None

    def to_parameters(self) -> dict[str, str]:
        """The record as the string pairs that stand in `parameters` of config.pbtxt."""
        return {
            "ocr_height": str(self.height),
            "ocr_stages": self.stages,
            "ocr_width_buckets": ",".join(map(str, self.width_buckets)),
            "ocr_pad_value": str(self.pad_value),
            "ocr_stride": str(self.stride),
        }

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, str]) -> LineSpec:
        """Raises SpecError naming the key that is missing or cannot be read."""

        def read(key: str) -> str:
            if key not in parameters:
                raise SpecError(f"{key}: missing from the model's parameters")
            return parameters[key]

        def number(key: str, text: str) -> int:
            try:
                return int(text)
            except ValueError:
                raise SpecError(f"{key}: {text!r} is not a whole number") from None

        buckets = read("ocr_width_buckets").split(",")
        return cls(
            height=number("ocr_height", read("ocr_height")),
            stages=read("ocr_stages"),  # type: ignore[arg-type]  # checked in __post_init__
            width_buckets=tuple(number("ocr_width_buckets", width) for width in buckets),
            pad_value=number("ocr_pad_value", read("ocr_pad_value")),
            stride=number("ocr_stride", read("ocr_stride")),
        )
