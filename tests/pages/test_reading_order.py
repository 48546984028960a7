"""What is read after what, told by the boxes of lines alone."""

import time

import numpy as np

from ocr_preprocessing.page.boxes import Boxes, level_boxes
from ocr_preprocessing.page.order import blocks_in_order

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


def test_a_menu_and_what_stands_beside_it_are_read_apart():
    """Neither is running text: the menu is short words, and beside it are cells of a table."""
    menu = [(0, 40 * i, 20 + 17 * (i % 4)) for i in range(8)]
    table = [(x, 31 * i + 9, x + 60) for i in range(10) for x in (200, 330, 460)]
    assert order(*menu, *table) == list(range(38))


def test_labels_and_values_are_read_across_on_a_page_that_is_not_quite_level():
    """All values stand 6 pixels lower than their labels, as where a scan is turned a little."""
    labels = [(0, 30 * i, 60 + 17 * (i % 4)) for i in range(9)]
    values = [(400, 30 * i + 6, 450) for i in range(9)]
    assert order(*labels, *values) == [i + side for i in range(9) for side in (0, 9)]


def test_values_that_only_some_labels_have_are_read_across():
    labels = [(0, 30 * i, 60 + 17 * (i % 4)) for i in range(12)]
    values = [(400, 30 * i, 450) for i in range(0, 12, 2)]
    read = order(*labels, *values)
    assert [read[read.index(12 + i) - 1] for i in range(6)] == list(range(0, 12, 2))


def test_a_bar_above_a_menu_is_read_first():
    bar = [(0, 0, 60), (100, 0, 160), (400, 0, 460), (500, 0, 560)]
    menu = [(0, 60 + 40 * i, 20 + 17 * (i % 4)) for i in range(8)]
    text = [(200, 69 + 31 * i, 700 - 90 * (i % 3)) for i in range(10)]
    assert order(*bar, *menu, *text) == list(range(22))


def test_a_title_between_the_columns_is_read_first():
    """It leaves a gap beside the left column as far as that is short, and then none."""
    left = [(0, 60 + 30 * i, 290 if i < 5 else 310) for i in range(10)]
    right = [(340, 60 + 30 * i, 640) for i in range(10)]
    assert order((308, 0, 342), *left, *right) == list(range(21))


def test_rows_that_rise_are_read_across():
    """By more than half a line from one end to the other, as a rest of perspective makes them."""
    cells = [(150 * x, 28 * y + 2.4 * x, 150 * x + 70) for y in range(4) for x in range(6)]
    assert order(*cells) == list(range(24))


def test_a_page_seen_aslant_lies_flat():
    """Its rows fan out from 3 degrees up to 3 down: level, their pieces have the same height."""
    slopes = np.linspace(-0.05, 0.05, 12)
    quads, rows = [], []
    for row, slope in enumerate(slopes):
        for left, right in ((50, 400), (800, 900)):
            top = 60 * row + slope * np.array([left, right])
            corners = ((left, top[0]), (right, top[1]), (right, top[1] + 20), (left, top[0] + 20))
            quads.append(corners)
            rows.append(row)
    boxes = level_boxes(np.array(quads, np.float64), np.zeros(24, np.bool_))
    middle = (boxes.top + boxes.bottom) / 2
    apart = middle[1::2] - middle[::2]
    assert np.abs(apart).max() < 5
    assert (np.diff(middle[::2]) > 40).all()
    assert boxes.height.max() < 24
    assert [i for block in blocks_in_order(boxes, np.zeros(24, np.bool_)) for i in block] == list(
        range(24)
    )


def test_thousands_of_labels_and_values_take_no_longer_than_they_must():
    """Each pair of bands that may hold a gutter was tried once: 12 s for 800 lines."""
    labels = [(0, 30 * i, 60 + 17 * (i % 4)) for i in range(1_000)]
    values = [(400, 30 * i, 450) for i in range(1_000)]
    begun = time.process_time()
    read = order(*labels, *values)
    assert time.process_time() - begun < 8
    assert read == [i + side for i in range(1_000) for side in (0, 1_000)]
