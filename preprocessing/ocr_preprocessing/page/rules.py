"""Rules, frames of tables and underlines: long thin strokes, taken out of the ink."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from ocr_preprocessing.fast import Gray

LENGTH = 96  # pixels; longer than the strokes of letters, which are looked for up to that height
THICKNESS = 9  # pixels; what is thicker is a picture or the stroke of a huge letter
RAGGED = 2  # pixels that a rule is uneven by, and climbs by along LENGTH, to both sides
GAP = 5  # pixels that an upright rule is broken by; less than between lines of text
HALO = 2 * LENGTH  # rows around a strip that its rules depend on

# Kernels for level rules; transposed for upright ones.
Kernel = npt.NDArray[np.uint8]
ALONG: Kernel = np.ones((1, LENGTH), np.uint8)
AROUND: Kernel = np.ones((2 * RAGGED + 1, 1), np.uint8)
ACROSS: Kernel = np.ones((THICKNESS + 2 * RAGGED, 1), np.uint8)


def without_rules(ink: Gray) -> Gray:
    """The ink (H, W), 0 or 255, without its level and upright rules."""
    return np.asarray(cv2.subtract(ink, cv2.bitwise_or(*rules_of(ink))), np.uint8)


def rules_of(ink: Gray, *, length: int = LENGTH) -> tuple[Gray, Gray]:
    """The level and the upright rules of the ink (H, W), 0 or 255, a little wider than they are.

    length: pixels; shorter ones are strokes of letters.
    """
    along = ALONG[:, :length]
    level = _rules(ink, along, AROUND, ACROSS)
    # Level ones are not mended: feet of letters side by side would become one.
    mended = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((GAP + 1, 1), np.uint8))
    return level, _rules(np.asarray(mended, np.uint8), along.T, AROUND.T, ACROSS.T)


def _rules(ink: Gray, along: Kernel, around: Kernel, across: Kernel) -> Gray:
    """What is as long as `along` and thinner than `across`, widened by `around`."""
    # Widened first, so that a rule that climbs is still one run.
    runs = cv2.morphologyEx(cv2.dilate(ink, around), cv2.MORPH_OPEN, along)
    thick = cv2.morphologyEx(runs, cv2.MORPH_OPEN, across)
    return np.asarray(cv2.subtract(runs, thick), np.uint8)
