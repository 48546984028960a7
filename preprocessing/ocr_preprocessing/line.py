"""One gray line, made ready for one model as its spec says."""

from __future__ import annotations

from collections.abc import Callable

from .bilinear import bilinear_line
from .errors import ImageTooLargeError
from .exact import exact_line
from .fast import Gray, fast_line
from .spec import LineSpec, Stages
from .windows import LineWindows, cut_windows

STAGES: dict[Stages, Callable[[Gray, LineSpec], Gray]] = {
    "fast": lambda gray, spec: fast_line(gray, spec.height),
    "exact": lambda gray, spec: exact_line(gray, spec.height),
    "bilinear": lambda gray, spec: bilinear_line(gray, spec.height, spec.width_buckets[-1]),
}

# Of the scaled line: about 1,000 Han characters. More is no line of text, and a strip of
# 2 x 32,000,000 pixels would ask for 16 GB.
MAX_LINE_WIDTH = 32_768


def prepare_line(gray: Gray, spec: LineSpec, *, name: str = "line") -> LineWindows:
    """Raises ImageTooLargeError for a line more than 1,024 times as wide as it is high.

    gray: (H, W) UINT8, one line of text. Returns tensors (1, spec.height, bucket) UINT8.
    name: what the error calls the image.
    """
    rows, columns = gray.shape
    width = columns * spec.height / rows
    if width > MAX_LINE_WIDTH:
        raise ImageTooLargeError(
            name,
            f"{columns}x{rows} is too wide for one line: at {spec.height} px height it has"
            f" {width:,.0f} px; the limit is {MAX_LINE_WIDTH:,}",
        )
    return cut_windows(STAGES[spec.stages](gray, spec), spec, source_width=columns)
