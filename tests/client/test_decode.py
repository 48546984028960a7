"""CTC steps become characters with confidence and place."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_client.decode import check_answer, decode_line
from ocr_client.errors import BadAnswerError
from ocr_client.fake import spelled


def pixels(first, last):
    """4 px a step, as the models have it."""
    return 4.0 * first, 4.0 * (last + 1)


def decode(codes, confidence=None):
    codes = np.array(codes, np.int32)
    if confidence is None:
        confidence = np.full(codes.shape, 0.5)
    return decode_line(codes, np.array(confidence, np.float32), pixels)


A, B = ord("a"), ord("京")


@pytest.mark.parametrize(
    ("codes", "text"),
    [
        ([0, A, A, 0, B, 0], "a京"),  # repeats collapse, blanks drop out
        ([A, 0, A], "aa"),  # a blank between keeps a double letter
        ([A, A, A], "a"),
        ([A, B, A], "a京a"),  # neighbours need no blank
        ([0, 0, 0], ""),
        ([], ""),
        ([ord(" "), 0, ord(" ")], "  "),  # spaces are characters like others
        ([0x1F600], "😀"),  # outside the basic plane
    ],
)
def test_steps_become_text(codes, text):
    """Repeats collapse, blanks drop out."""
    assert decode(codes).text == text


def test_a_character_has_its_highest_probability_and_its_place():
    """The run's peak, and the pixels of its steps."""
    reading = decode([0, A, A, 0, B], [0.9, 0.5, 0.8, 0.9, 0.25])
    first, second = reading.characters
    assert (first.text, second.text) == ("a", "京")
    assert first.confidence == pytest.approx(0.8)
    assert (first.left, first.right) == (4, 12)
    assert (second.left, second.right) == (16, 20)


def test_confidence_is_the_geometric_mean_of_the_characters():
    """Blanks do not count: sqrt(0.8 * 0.2) here."""
    reading = decode([A, 0, B], [0.8, 0.01, 0.2])
    assert reading.confidence == pytest.approx(math.sqrt(0.8 * 0.2))


def test_an_empty_text_has_confidence_0():
    """Nothing supports it, however sure the model is of its blanks."""
    assert decode([0, 0], [1.0, 1.0]).confidence == 0.0


def test_a_probability_of_0_does_not_break_the_mean():
    """It makes it tiny, not an error."""
    assert 0 < decode([A, 0, B], [0.0, 0.9, 1.0]).confidence < 1e-10


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40))
def test_what_is_spelled_is_read(text):
    """Decoding undoes the fake's spelling, for every text."""
    codes, confidence = spelled(text, lines=1, steps=80)
    reading = decode_line(codes[0], confidence[0], pixels)
    assert reading.text == text
    assert "".join(character.text for character in reading.characters) == text


@given(st.lists(st.tuples(st.sampled_from([0, A, B]), st.floats(0, 1, width=32)), max_size=60))
def test_every_answer_that_passes_the_check_is_decoded(steps):
    """Confidence within 0..1, characters from left to right, as many as the text has."""
    codes = np.array([[code for code, _ in steps]], np.int32)
    confidence = np.array([[share for _, share in steps]], np.float32)
    if steps:
        check_answer(codes, confidence, lines=1, steps=len(steps))
    reading = decode_line(codes[0], confidence[0], pixels)
    assert 0 <= reading.confidence <= 1
    places = [(character.left, character.right) for character in reading.characters]
    assert places == sorted(places)
    assert len(reading.text) == len(places)


@pytest.mark.parametrize(
    ("codes", "confidence", "words"),
    [
        (np.zeros((1, 3), np.int32), np.zeros((1, 4), np.float32), "codepoints is int32 (1, 3)"),
        (np.zeros((2, 4), np.int32), np.zeros((1, 4), np.float32), "expected int32 (1, 4)"),
        (np.zeros((1, 4), np.int64), np.zeros((1, 4), np.float32), "int64"),
        (np.zeros((1, 4), np.int32), np.zeros((1, 4), np.float64), "float64"),
        (np.zeros((1, 4), np.int32), np.zeros((4,), np.float32), "confidence is float32 (4,)"),
        (np.full((1, 4), -1, np.int32), np.zeros((1, 4), np.float32), "outside Unicode"),
        (np.full((1, 4), 0x110000, np.int32), np.zeros((1, 4), np.float32), "outside Unicode"),
        (np.full((1, 4), 0xD800, np.int32), np.zeros((1, 4), np.float32), "surrogates"),
        (np.zeros((1, 4), np.int32), np.full((1, 4), np.nan, np.float32), "outside 0..1"),
        (np.zeros((1, 4), np.int32), np.full((1, 4), 1.5, np.float32), "outside 0..1"),
        (np.zeros((1, 4), np.int32), np.full((1, 4), -0.5, np.float32), "outside 0..1"),
    ],
)
def test_an_answer_that_is_no_text_is_refused(codes, confidence, words):
    """A broken model must not become a garbled text, let alone a crash."""
    with pytest.raises(BadAnswerError) as caught:
        check_answer(codes, confidence, lines=1, steps=4)
    assert words in str(caught.value)
