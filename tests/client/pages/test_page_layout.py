"""From lines to text, words and places, with nothing but values."""

import dataclasses

import numpy as np
import pytest

from ocr_client.pages.layout import page_text, running_text
from ocr_client.pages.sources.ranges import PageRanges
from ocr_client.pages.structure import blocks_of
from ocr_client.pages.turns import TURNS, quad_back, turned, turned_back
from ocr_client.pages.words import words_of
from ocr_client.results import Character, ReadLine


def line(text, box, *, block=0, vertical=False):
    """With its characters spread evenly over it."""
    left, top, right, bottom = box
    quad = ((left, top), (right, top), (right, bottom), (left, bottom))
    step = ((bottom - top) if vertical else (right - left)) / max(1, len(text))
    characters = tuple(
        Character(one, 0.9, left, right, top + n * step, top + (n + 1) * step)
        if vertical
        else Character(one, 0.9, left + n * step, left + (n + 1) * step, top, bottom)
        for n, one in enumerate(text)
    )
    return ReadLine(text, 0.9, characters, quad, vertical, block)


def test_what_stands_side_by_side_is_one_row_of_the_text():
    lines = [
        line("TOTAL", (0, 0, 100, 20)),
        line("45.90", (300, 2, 400, 22)),
        line("CASH", (0, 30, 100, 50)),
        line("Thank you", (0, 90, 200, 110), block=1),
    ]
    assert page_text(lines) == "TOTAL 45.90\nCASH\n\nThank you"
    assert [block.lines for block in blocks_of(lines)] == [(0, 1, 2), (3,)]
    assert blocks_of(lines)[0].text == "TOTAL 45.90 CASH"
    assert blocks_of(lines)[0].box == (0, 0, 400, 50)


def test_rows_are_those_of_a_slanting_page_too():
    """The second piece starts lower in the picture, but not in the row."""
    slanting = dataclasses.replace(
        line("left", (0, 0, 400, 20)), quad=((0, 0), (400, 80), (396, 100), (-4, 20))
    )
    right = dataclasses.replace(
        line("right", (0, 0, 1, 1)), quad=((500, 100), (700, 140), (696, 160), (496, 120))
    )
    below = dataclasses.replace(
        line("below", (0, 0, 1, 1)), quad=((-6, 30), (394, 110), (390, 130), (-10, 50))
    )
    assert page_text([slanting, right, below]) == "left right\nbelow"


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (["The goods were", "sent"], "The goods were sent"),
        (["货物已于星期一", "发出"], "货物已于星期一发出"),
        (["合计：", "Total"], "合计：Total"),
        (["recogni-", "tion"], "recognition"),
        (["1990-", "2000"], "1990- 2000"),
        (["", "  a ", "b"], "a b"),
        ([], ""),
    ],
)
def test_lines_of_a_paragraph_become_running_text(lines, text):
    """A space between Latin words, none between Chinese characters, no divided words."""
    assert running_text(lines) == text


def test_words_are_divided_at_spaces_and_between_scripts_and_fill_the_line():
    found = list(words_of(line("总计 RM 45", (100, 10, 180, 30))))
    assert [(word.text, word.spaced) for word in found] == [
        ("总计", True),
        ("RM", True),
        ("45", False),
    ]
    assert found[0].begin == 0
    assert found[-1].end == 1
    assert [one.end for one in found[:-1]] == [two.begin for two in found[1:]]
    assert found[0].box[0] == 100
    assert found[-1].box[2] == 180
    mixed = [word.text for word in words_of(line("型号ABC规格", (0, 0, 70, 10)))]
    assert mixed == ["型号", "ABC", "规格"]


def test_words_of_a_column_follow_it_downwards():
    found = list(words_of(line("总计AB", (10, 100, 30, 180), vertical=True)))
    assert [word.box for word in found] == [(10, 100, 30, 140), (10, 140, 30, 180)]


@pytest.mark.parametrize("turn", TURNS)
def test_what_is_found_in_a_turned_image_is_led_back_to_the_source(turn):
    gray = np.zeros((30, 50), np.uint8)
    gray[4, 7] = 255
    y, x = (int(one[0]) for one in np.nonzero(turned(gray, turn)))
    left, top = turned_back((x + 0.5, y + 0.5), turn, gray.shape)
    assert (left, top) == (7.5, 4.5)


def test_the_first_corner_stays_the_text_s_own():
    """Upside down, the top-left corner of the text is the bottom-right one of the picture."""
    quad = ((5.0, 5.0), (45.0, 5.0), (45.0, 10.0), (5.0, 10.0))
    assert quad_back(quad, 180, (30, 50))[0] == (45, 25)


@pytest.mark.parametrize(
    ("text", "count", "numbers"),
    [
        ("1-3,7", 9, [1, 2, 3, 7]),
        ("7,1-3,2", 9, [1, 2, 3, 7]),
        ("8-", 9, [8, 9]),
        ("1-100000", 3, [1, 2, 3]),
        ("5", 4, []),
    ],
)
def test_page_ranges_name_pages_that_are_there(text, count, numbers):
    assert list(PageRanges.parse(text).numbers(count)) == numbers


@pytest.mark.parametrize("text", ["", "0", "a", "3-1", "1,,2", "-", "-3", "1-2-3", "9999999999"])
def test_page_ranges_refuse_what_they_do_not_understand(text):
    with pytest.raises(ValueError, match="accepted: numbers and ranges"):
        PageRanges.parse(text)
