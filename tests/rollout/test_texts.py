"""The two written normalisations, and what a text's length is called."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_rollout.core.texts import BANDS, band, edit_distance, lenient, plain

TEXTS = st.text(max_size=20)


def test_the_first_forgives_width_and_spaces_and_nothing_else():
    assert plain("Ａ ｂ，\u3000１ \n") == "Ab,1"
    assert plain("Ab") != plain("ab")


def test_the_second_forgives_case_script_and_punctuation_too():
    assert lenient("Ab，國。C", {"國": "国"}) == "ab国c"
    assert lenient("國", {}) == "國", "not without a table"


@given(TEXTS)
def test_how_a_text_was_composed_makes_no_difference(text):
    found = plain(text)
    assert not any(map(str.isspace, found))
    assert found == plain(unicodedata.normalize("NFD", text))


@given(TEXTS, TEXTS, TEXTS)
def test_the_distance_is_a_metric(a, b, c):
    assert edit_distance(a, b) == edit_distance(b, a)
    assert (edit_distance(a, b) == 0) == (a == b)
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)


@pytest.mark.parametrize(
    ("characters", "name"),
    [(1, BANDS[0]), (5, BANDS[0]), (6, BANDS[1]), (15, BANDS[1]), (16, BANDS[2]), (31, BANDS[3])],
)
def test_a_length_has_one_band(characters, name):
    assert band(characters) == name
