"""Gaps between columns are told from spaces by the rows around, and rules hang on no letter."""

import cv2
import numpy as np
import pytest

from ocr_preprocessing.page import find_lines
from ocr_preprocessing.page.letters import sort_parts
from ocr_preprocessing.page.parts import Parts

SPACE = 0.6  # of a letter's height: wider than a space, but no gap that is cut by itself


def blank():
    return np.full((500, 900), 255, np.uint8)


def size(text, scale=1.0):
    """Its width, and the height of its letters, in pixels."""
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 2)
    return width, height


def write(gray, text, left, foot, scale=1.0):
    cv2.putText(gray, text, (left, foot), cv2.FONT_HERSHEY_SIMPLEX, scale, 0, 2, cv2.LINE_AA)


def narrow_row(gray, foot, value):
    """A label, and its value after a narrow gap; the left and the right edge of the value."""
    width, height = size("Ordered at")
    left = 100 + width + round(SPACE * height)
    write(gray, "Ordered at", 100, foot)
    write(gray, value, left, foot)
    return left, left + size(value)[0]


def test_a_narrow_gap_in_a_row_by_itself_is_a_space():
    gray = blank()
    narrow_row(gray, 160, "10:52:09")
    assert len(find_lines(gray).lines) == 1


@pytest.mark.parametrize("foot", [100, 220])
def test_a_narrow_gap_is_cut_where_the_row_above_or_below_has_a_value_that_begins_there(foot):
    gray = blank()
    left, _ = narrow_row(gray, 160, "10:52:09")
    write(gray, "No", 100, foot)
    write(gray, "WEB 3", left, foot)
    assert len(find_lines(gray).lines) == 4


def test_a_narrow_gap_is_cut_where_values_end_below_each_other():
    gray = blank()
    _, right = narrow_row(gray, 160, "10652.09")
    write(gray, "No", 100, 220)
    write(gray, "9.50", right - size("9.50")[0], 220)
    assert len(find_lines(gray).lines) == 4


def test_a_narrow_gap_over_running_text_stays_a_space():
    gray = blank()
    left, _ = narrow_row(gray, 160, "10:52:09")
    write(gray, "Thank you for coming", 100, 220)
    write(gray, "again", left, 280)
    assert len(find_lines(gray).lines) == 3


def test_a_letter_on_the_rest_of_a_rule_is_no_letter_but_a_word_whose_letters_touch_is():
    width = np.array([12] * 10 + [83, 83])
    left = np.arange(12) * 100
    top = np.full(12, 50)
    area = np.array([90] * 10 + [254, 560])  # of a "y" with 80 pixels of a rule; of a word
    edge = np.array([75] * 10 + [212, 460])
    parts = Parts(left, top, left + width, top + 20, area, edge, 100 * area)
    sorted_ = sort_parts(parts, least=6)
    assert sorted_.letters.left.tolist() == [*left[:10], left[11]]
    assert not len(sorted_.marks)


def test_a_colon_that_stands_alone_has_as_much_room_around_it_as_the_letters_beside():
    gray = blank()
    for foot in (100, 160, 220):
        write(gray, "Payment", 100, foot)
        write(gray, "50.00", 700, foot)
        for up in (2, 15):
            cv2.circle(gray, (500, foot - up), 2, 0, -1)
    colons = [line for line in find_lines(gray).lines if 450 < line.quad[0][0] < 550]
    assert len(colons) == 3
    for colon, foot in zip(colons, (100, 160, 220), strict=True):
        assert colon.quad[0][1] < foot - 17 - 3
        assert colon.quad[2][1] > foot + 3
