"""A gray line -> the padded tensors a model takes, and its answers -> one sequence again.

```
line 0 ............................................... line width
     [ window 0                 ]
                        [ window 1                 ]
                                           [ window 2 + padding ]
```
Every window starts at a whole step, so step `s` of a window that starts at step `k` is step
`k + s` of the line, and joining is a choice of where to go over from one window to the next.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .fast import Gray
from .spec import LineSpec

BLANK = 0
OVERLAP_HEIGHTS = 4  # line heights that two windows share: about four Han characters
EDGE_HEIGHTS = 1  # line heights at a cut edge whose answers are not trusted: half characters
AGREE_STEPS = 4  # steps on both sides of a seam that the two windows should agree on

Codepoints = npt.NDArray[np.int32]
Confidence = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class Window:
    """One tensor of a line.

    pixels: (1, height, bucket) UINT8, padded on the right.
    first_step: the step of the line that step 0 of this window is.
    """

    pixels: npt.NDArray[np.uint8]
    first_step: int

    @property
    def width(self) -> int:
        """Pixels, padding included: the bucket."""
        return int(self.pixels.shape[2])


@dataclasses.dataclass(frozen=True)
class LineWindows:
    """A line cut into windows, with what leads back to the source image.

    width: pixels of the scaled line, without padding.
    source_width: pixels of the same line before scaling.
    """

    windows: tuple[Window, ...]
    spec: LineSpec
    width: int
    source_width: int

    def x_range(self, first_step: int, last_step: int) -> tuple[float, float]:
        """Source pixels [left, right) that the steps first..last (inclusive) look at.

        Steps in the padding are drawn back to the line's right end.
        """
        scale = self.source_width / self.width
        left, right = first_step * self.spec.stride, (last_step + 1) * self.spec.stride
        return min(left * scale, self.source_width), min(right * scale, self.source_width)

    def join(
        self, answers: Sequence[tuple[Codepoints, Confidence]]
    ) -> tuple[Codepoints, Confidence]:
        """`join_steps` over these windows; answers in their order, `(T,)` each."""
        return join_steps([window.first_step for window in self.windows], answers, self.spec)


def cut_windows(line: Gray, spec: LineSpec, *, source_width: int | None = None) -> LineWindows:
    """Pads a scaled line (height, W) UINT8 to a width bucket, or cuts it into several windows.

    source_width: pixels of the line before scaling, for `x_range`; W where nothing is given.
    """
    height, width = line.shape
    if height != spec.height:
        raise ValueError(f"the line is {height} rows high, the model takes {spec.height}")
    largest = spec.width_buckets[-1]
    advance = largest - overlap(spec)
    starts = [0]
    while starts[-1] + largest < width:
        starts.append(starts[-1] + advance)
    windows = tuple(
        Window(_pad(line[:, start : start + largest], spec), start // spec.stride)
        for start in starts
    )
    return LineWindows(windows, spec, width, width if source_width is None else source_width)


def bucket_for(width: int, spec: LineSpec) -> int:
    """The smallest bucket that holds `width` pixels, the largest where none does."""
    return next(
        (bucket for bucket in spec.width_buckets if bucket >= width), spec.width_buckets[-1]
    )


def overlap(spec: LineSpec) -> int:
    """Pixels that two windows share: a multiple of the stride, at most half of a window."""
    shared = min(OVERLAP_HEIGHTS * spec.height, spec.width_buckets[-1] // 2)
    return shared - shared % spec.stride


def _pad(piece: Gray, spec: LineSpec) -> npt.NDArray[np.uint8]:
    padded = np.full((1, spec.height, bucket_for(piece.shape[1], spec)), spec.pad_value, np.uint8)
    padded[0, :, : piece.shape[1]] = piece
    return padded


def join_steps(
    first_steps: Sequence[int],
    answers: Sequence[tuple[Codepoints, Confidence]],
    spec: LineSpec,
) -> tuple[Codepoints, Confidence]:
    """The step sequences of overlapping windows as one: code points and confidence `(T,)`.

    first_steps: where each window starts, in steps of the line, ascending from 0.
    answers: code points (0 is blank) and confidence of each window, `(T_i,)`.
    """
    codes, confidence = answers[0]
    edge = EDGE_HEIGHTS * spec.height // spec.stride
    kept = 0  # the seam before: going back behind it would read those windows twice
    for first, (next_codes, next_confidence) in zip(first_steps[1:], answers[1:], strict=True):
        seam = find_seam(codes[first:], next_codes, edge=edge, least=max(0, kept - first)) + first
        codes = np.concatenate([codes[:seam], next_codes[seam - first :]])
        confidence = np.concatenate([confidence[:seam], next_confidence[seam - first :]])
        kept = seam
    return codes, confidence


def find_seam(left: Codepoints, right: Codepoints, *, edge: int, least: int = 0) -> int:
    """Where to go over from `left` to `right`, in steps of the part that both have read.

    left: the last steps of one window, right: the next window from the same step on.
    edge: steps at the cut ends (the end of left, the start of right) that are not trusted.

    The best seam has blank on both sides in both windows, and the windows agree near it;
    among equals the one nearest to the middle is taken. A character that the windows see a
    step apart is then on one side of the seam in both, so it is neither lost nor doubled.
    """
    shared = min(len(left), len(right))
    start, stop = max(edge, least), shared - edge
    if start > stop:  # less overlap than two untrusted edges: the middle is all there is
        return max(shared // 2, min(least, shared))
    same = left[:shared] == right[:shared]
    quiet = (left[:shared] == BLANK) & (right[:shared] == BLANK)

    def rank(seam: int) -> tuple[int, int, float]:
        around = slice(max(0, seam - 1), min(shared, seam + 1))
        near = slice(max(0, seam - AGREE_STEPS), min(shared, seam + AGREE_STEPS))
        loud = int(np.count_nonzero(~quiet[around]))
        disagree = int(np.count_nonzero(~same[near]))
        return loud + disagree, loud, abs(seam - shared / 2)

    return min(range(start, stop + 1), key=rank)
