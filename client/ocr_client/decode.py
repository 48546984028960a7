"""Steps of a CTC model -> characters: repeats collapse, blanks drop out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import BadAnswerError
from .results import Character, Reading

Tensor = npt.NDArray[Any]

BLANK = 0
LAST_CODEPOINT = 0x10FFFF
SURROGATES = (0xD800, 0xDFFF)  # no characters, and no encoder takes them


def check_answer(codepoints: Tensor, confidence: Tensor, *, lines: int, steps: int) -> None:
    """Raises BadAnswerError unless both are (lines, steps), INT32 and FP32 in 0..1.

    Code points must be characters or 0, the blank. Whatever passes can be decoded.
    """
    for name, tensor, kind in (
        ("codepoints", codepoints, np.int32),
        ("confidence", confidence, np.float32),
    ):
        if tensor.dtype != kind or tensor.shape != (lines, steps):
            raise BadAnswerError(
                f"{name} is {tensor.dtype} {tensor.shape}, expected {np.dtype(kind)} "
                f"({lines}, {steps})"
            )
    if codepoints.min() < 0 or codepoints.max() > LAST_CODEPOINT:
        raise BadAnswerError("codepoints holds numbers outside Unicode")
    if ((codepoints >= SURROGATES[0]) & (codepoints <= SURROGATES[1])).any():
        raise BadAnswerError("codepoints holds surrogates, which are no characters")
    if not (confidence.min() >= 0 and confidence.max() <= 1 + 1e-3):  # not-a-number fails, too
        raise BadAnswerError("confidence holds values outside 0..1")


def decode_line(
    codepoints: Tensor,
    confidence: Tensor,
    x_range: Callable[[int, int], tuple[float, float]],
) -> Reading:
    """Never raises on what `check_answer` lets pass.

    codepoints, confidence: (T,), the best class of each step and its probability.
    x_range: first and last step -> source pixels [left, right).

    A run of equal code points is one character; its confidence is the run's highest. The line's
    is `mean_confidence` of them.
    """
    if not codepoints.size:
        return Reading("", 0.0, ())
    starts = np.flatnonzero(np.concatenate(([True], codepoints[1:] != codepoints[:-1])))
    peaks = np.maximum.reduceat(confidence, starts).tolist()
    runs = codepoints[starts].tolist()
    ends = [*starts[1:].tolist(), len(codepoints)]
    characters = []
    for code, peak, start, end in zip(runs, peaks, starts.tolist(), ends, strict=True):
        if code == BLANK:
            continue
        probability = min(peak, 1.0)
        left, right = x_range(start, end - 1)
        characters.append(Character(chr(code), probability, left, right))
    text = "".join(character.text for character in characters)
    return Reading(text, mean_confidence(characters), tuple(characters))


def mean_confidence(characters: Sequence[Character]) -> float:
    """The geometric mean, so that length by itself does not lower it; 0 of none.

    Equal to exp of the mean log probability.
    """
    if not characters:
        return 0.0
    log_sum = sum(math.log(max(character.confidence, 1e-30)) for character in characters)
    return math.exp(log_sum / len(characters))
