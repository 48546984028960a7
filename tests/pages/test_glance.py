"""What is plainly one row, by pixel rows alone, and what is left to a proper look."""

from __future__ import annotations

import numpy as np
import pytest

from ocr_preprocessing.page import plainly_one_row


def writing(rows: int, columns: int, *, top: int = 4) -> np.ndarray:
    """Dark strokes on grained paper."""
    rng = np.random.default_rng(rows)
    strip = rng.integers(235, 256, (rows, columns), np.uint8)
    for left in range(6, columns - 8, 12):
        strip[top : rows - top, left : left + 3] = rng.integers(0, 60)
    return strip


def test_one_row_is_seen() -> None:
    assert plainly_one_row(writing(40, 400))
    assert plainly_one_row(255 - writing(40, 400))


@pytest.mark.parametrize(
    "strip",
    [
        np.vstack([writing(40, 600), writing(40, 600)]),  # two rows
        writing(40, 150),  # short
        writing(200, 1200),  # high
        writing(100, 800, top=40),  # much room around it
        np.full((40, 400), 255, np.uint8),  # blank
    ],
)
def test_the_rest_is_left_to_a_proper_look(strip: np.ndarray) -> None:
    assert not plainly_one_row(strip)
