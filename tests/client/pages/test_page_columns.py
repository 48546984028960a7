"""Columns in which Latin letters lie on their side: two readings become one text."""

import numpy as np
import pytest
from made_pages import CHINESE
from PIL import Image, ImageDraw, ImageFont

from ocr_client.pages.columns import Spanned, best_of, reading_of, woven
from ocr_client.results import Character
from ocr_preprocessing.page import FoundLine, lay_out


def spread(text, begin, end, sure):
    step = (end - begin) / len(text)
    return [
        Spanned(Character(one, sure, 0, 1), begin + n * step, begin + (n + 1) * step)
        for n, one in enumerate(text)
    ]


UPRIGHT = [
    *spread("公元", 0, 0.2, 0.97),
    *spread("巨乙", 0.22, 0.48, 0.5),
    *spread("年三月", 0.5, 0.8, 0.96),
]


def text(spans):
    return reading_of(spans).text


def test_a_number_on_its_side_takes_its_place_in_the_column():
    lying = [
        *spread("SSI", 0.0, 0.2, 0.5),
        *spread("2024", 0.22, 0.48, 0.98),
        *spread("#=", 0.5, 0.8, 0.4),
    ]
    assert text(best_of(UPRIGHT, lying)) == "公元2024年三月"


def test_words_keep_the_spaces_between_them():
    lying = [*spread("IBM PC", 0.22, 0.48, 0.95), *spread("年", 0.6, 0.7, 0.3)]
    assert text(woven(UPRIGHT, lying)) == "公元IBM PC年三月"


@pytest.mark.parametrize(
    "run",
    [
        spread("11", 0.0, 0.2, 0.99),  # upright it is read as surely
        spread("2", 0.22, 0.48, 0.99),  # one letter
        spread("2024", 0.22, 0.48, 0.7),  # not sure
    ],
)
def test_strokes_that_lie_are_no_letters(run):
    assert text(best_of(UPRIGHT, run)) in {text(UPRIGHT), text(run)}
    assert text(woven(UPRIGHT, run)) == text(UPRIGHT)


def test_a_column_of_latin_only_is_read_lying():
    assert text(best_of(spread("巨乙", 0, 1, 0.4), spread("Total", 0, 1, 0.97))) == "Total"


def test_characters_laid_side_by_side_know_where_they_came_from():
    picture = Image.new("L", (200, 400), 255)
    face = ImageFont.truetype(str(CHINESE), 40)
    for row, one in enumerate("国家图书"):
        ImageDraw.Draw(picture).text((80, 40 + 80 * row), one, fill=0, font=face)
    quad = ((70.0, 30.0), (130.0, 30.0), (130.0, 370.0), (70.0, 370.0))
    out = lay_out(np.asarray(picture), FoundLine(quad, True, 0, 1.0))
    assert len(out.pieces) == 4
    middles = [out.share((begin + end) / 2) for begin, end, _, _ in out.pieces]
    assert middles == pytest.approx([(64 + 80 * row - 30) / 340 for row in range(4)], abs=0.03)
