"""Lines are found where they were drawn, whatever the page is like."""

import time

import cv2
import numpy as np
import pytest

from ocr_preprocessing.page import FinderSettings, cells, find_lines, laid_out, rectified

WORDS = "Quantity of goods delivered in November", "Total due 1,284.50", "Thank you very much"


def page(texts=WORDS, *, rows=600, columns=900, scale=1.0):
    """White, with black lines of text from the top left on, 60 pixels apart."""
    gray = np.full((rows, columns), 255, np.uint8)
    for i, text in enumerate(texts):
        place = (80, 100 + 60 * i)
        cv2.putText(gray, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, 0, 2, cv2.LINE_AA)
    return gray


def turned(gray, degrees):
    rows, columns = gray.shape
    matrix = cv2.getRotationMatrix2D((columns / 2, rows / 2), degrees, 1)
    return cv2.warpAffine(gray, matrix, (columns, rows), borderValue=255)


def test_each_line_of_text_is_found_once_from_top_to_bottom():
    found = find_lines(page())
    assert len(found.lines) == len(WORDS)
    tops = [line.quad[0][1] for line in found.lines]
    assert tops == sorted(tops)
    assert found.angle == pytest.approx(0, abs=0.3)
    assert not found.is_line
    assert found.reason == ""


def test_a_quad_holds_the_ink_of_its_line_and_little_else():
    gray = page()
    for i, line in enumerate(find_lines(gray).lines):
        (left, top), (right, _), (_, bottom), _ = line.quad
        rows, columns = np.nonzero(gray[60 + 60 * i : 115 + 60 * i] < 128)
        assert left < columns.min() < left + 12
        assert right - 12 < columns.max() < right
        assert top < rows.min() + 60 + 60 * i < top + 12
        assert bottom - 12 < rows.max() + 60 + 60 * i < bottom


@pytest.mark.parametrize("degrees", [-15, -6.5, -1, 2, 9, 15])
def test_a_turned_page_says_by_how_much_and_its_lines_come_out_level(degrees):
    gray = turned(page(WORDS * 2), degrees)
    found = find_lines(gray)
    assert found.angle == pytest.approx(degrees, abs=0.3)
    assert len(found.lines) == 2 * len(WORDS)
    for line in found.lines:
        ink = np.flatnonzero((rectified(gray, line) < 128).any(axis=1))
        assert np.ptp(ink) < 36  # pixels; a line left turned by 1 degree would be 10 higher


def test_a_page_read_in_strips_has_the_same_lines():
    gray = page(WORDS * 12, rows=2400, columns=3000)
    whole = find_lines(gray, FinderSettings(memory_mb=1024))
    assert len(whole.lines) == 36
    assert find_lines(gray, FinderSettings(memory_mb=16)) == whole


def test_a_cut_out_line_is_upright_and_contiguous():
    gray = page()
    cut = rectified(gray, find_lines(gray).lines[0])
    assert cut.dtype == np.uint8
    assert cut.flags.c_contiguous
    assert cut.shape[1] > 10 * cut.shape[0]


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_blank_page_has_no_lines_and_says_so(level):
    found = find_lines(np.full((700, 500), level, np.uint8))
    assert found.lines == ()
    assert "no text" in found.reason


def test_light_text_on_a_dark_bar_is_found_beside_dark_text():
    gray = page()
    gray[350:420] = 40
    cv2.putText(
        gray, "Start View Help", (80, 400), cv2.FONT_HERSHEY_SIMPLEX, 1, 250, 2, cv2.LINE_AA
    )
    assert len(find_lines(gray).lines) == len(WORDS) + 1
    assert len(find_lines(255 - gray).lines) == len(WORDS) + 1


def test_rules_around_text_are_not_part_of_its_lines():
    gray = page()
    plain = find_lines(gray).lines
    for y in (55, 120, 180, 240):
        cv2.line(gray, (40, y), (860, y), 0, 2)
    for x in (40, 860):
        cv2.line(gray, (x, 55), (x, 240), 0, 2)
    ruled = find_lines(gray).lines
    assert np.allclose([line.quad for line in ruled], [line.quad for line in plain], atol=3)


def test_two_columns_are_read_one_after_the_other_and_a_table_row_by_row():
    left = [
        "some words of running text in",
        "a column that is read until",
        "its end before the other one",
    ]
    gray = page(left, columns=1400)
    for i, text in enumerate(left):
        cv2.putText(gray, text, (760, 100 + 60 * i), cv2.FONT_HERSHEY_SIMPLEX, 1, 0, 2, cv2.LINE_AA)
    order = [line.quad[0][0] < 700 for line in find_lines(gray).lines]
    assert order == [True] * 3 + [False] * 3
    table = page(["Bread", "Butter", "Cheese"], columns=1400)
    for i, text in enumerate(("1.20", "2.35", "4.80")):
        cv2.putText(
            table, text, (760, 100 + 60 * i), cv2.FONT_HERSHEY_SIMPLEX, 1, 0, 2, cv2.LINE_AA
        )
    assert [line.quad[0][0] < 700 for line in find_lines(table).lines] == [True, False] * 3


def columns(count=3, characters=9):
    """White, with columns of a square character of strokes; the rightmost one is the longest."""
    gray = np.full((500, 400), 255, np.uint8)
    for i in range(count):
        x = 300 - 90 * i
        for j in range(characters - i):
            y = 30 + 49 * j
            cv2.rectangle(gray, (x, y), (x + 36, y + 36), 0, 3)
            cv2.line(gray, (x + 18, y), (x + 18, y + 36), 0, 3)
            cv2.line(gray, (x, y + 18), (x + 36, y + 18), 0, 3)
    return gray


def test_columns_of_vertical_text_are_read_from_the_right():
    gray = columns()
    found = find_lines(gray).lines
    assert [line.vertical for line in found] == [True] * 3
    assert [line.quad[0][0] for line in found] == sorted(
        (line.quad[0][0] for line in found), reverse=True
    )
    assert [len(cells(rectified(gray, line))) for line in found] == [9, 8, 7]
    laid = laid_out(gray, found[0])
    assert laid.shape[1] > 8 * laid.shape[0]


def specks(count):
    gray = np.full((2339, 1654), 255, np.uint8)
    rng = np.random.default_rng(1)
    sizes = rng.integers(2, 12, count)
    for x, y, size in zip(
        rng.integers(0, 1640, count), rng.integers(0, 2325, count), sizes, strict=True
    ):
        gray[y : y + size, x : x + size // 2 + 1] = 0
    return gray


@pytest.mark.parametrize(
    "gray",
    [
        pytest.param(specks(20_000), id="20,000 specks"),
        pytest.param(np.random.default_rng(1).integers(0, 256, (2339, 1654), np.uint8), id="noise"),
    ],
)
def test_a_page_of_specks_is_none_of_text_and_soon_said_to_be(gray):
    start = time.process_time()
    found = find_lines(gray)
    assert found.lines == ()
    assert "no text found" in found.reason
    assert time.process_time() - start < 10  # seconds; two on a machine with nothing else to do


def test_an_image_of_one_line_is_taken_for_it():
    gray = page(["Total due 1,284.50"])[60:115, 60:500]
    found = find_lines(gray)
    assert found.is_line
    assert len(found.lines) == 1
    assert found.reason


@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (300, 3), (17, 31)])
def test_images_of_any_size_are_answered(shape):
    find_lines(np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8))


@pytest.mark.parametrize("seed", [602, 647])
def test_no_line_lies_beyond_the_page(seed):
    """Noise that is taken for a turned page: the edges go on in the corners of the turned view,
    and what goes on there is no text, however much like letters it is.
    """
    gray = np.random.default_rng(seed).integers(0, 256, (2600, 1900), dtype=np.uint8)
    found = find_lines(gray)
    assert found.lines == ()
    assert found.reason.startswith("no text found")
