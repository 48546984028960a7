"""What is read after what, told by the boxes of lines alone."""

import numpy as np

from ocr_preprocessing.page.order import Boxes, blocks_in_order

HEIGHT = 20


def order(*lines: tuple[float, float, float]) -> list[int]:
    """Of (left, top, right), each 20 pixels high."""
    left, top, right = np.array(lines, np.float64).T
    boxes = Boxes(left, top, right, top + HEIGHT)
    return [i for block in blocks_in_order(boxes, np.zeros(len(lines), np.bool_)) for i in block]


EVEN, RAGGED = (190, 190), (190, 125, 150, 125)


def beside(
    count: int, widths: tuple[int, ...], *, lower: float = 0
) -> list[tuple[float, float, float]]:
    """`count` lines on the left, then as many on the right, those `lower` pixels further down."""
    return [
        (x, 30 * i + shift, x + widths[i % len(widths)])
        for x, shift in ((0, 0.0), (240, lower))
        for i in range(count)
    ]


def test_a_few_labels_and_their_values_are_rows():
    """The head of a receipt: its sides look like two columns of running text."""
    assert order(*beside(4, RAGGED)) == [0, 4, 1, 5, 2, 6, 3, 7]


def test_few_lines_that_fill_their_columns_are_columns():
    assert order(*beside(4, EVEN)) == list(range(8))


def test_many_lines_are_columns_though_they_stand_side_by_side():
    assert order(*beside(8, RAGGED)) == list(range(16))


def test_few_lines_that_do_not_stand_side_by_side_are_columns():
    assert order(*beside(4, RAGGED, lower=15)) == list(range(8))
