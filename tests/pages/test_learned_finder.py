"""The learned finder without its model: from maps that are known to the lines that they show."""

from __future__ import annotations

import numpy as np
import pytest

from ocr_preprocessing.finder_spec import KEY, STEPS, FinderSpec, finds_lines
from ocr_preprocessing.page.learned import MapsError, find_lines_learned
from ocr_preprocessing.page.learned.maps import HALO, INNER, maps_of, tiles
from ocr_preprocessing.page.learned.scale import FIRST, LARGEST, closer_look, first_look
from ocr_preprocessing.spec import SpecError

HEIGHT = 20


def drawn(*boxes, shape=(400, 600)):
    """A page whose lines are dark boxes (left, top, right, bottom)."""
    gray = np.full(shape, 240, np.uint8)
    for left, top, right, bottom in boxes:
        gray[top:bottom, left:right] = 20
    return gray


def model(part, *, column=False, height=HEIGHT, least=HEIGHT):
    """A model that takes dark boxes for lines of one height, and says so as a trained one does.

    least: pixels that the shortest line is long; of short ones less is missing at their ends.
    """
    dark = part < 128
    rows, columns = dark.shape[2:]
    kernel = np.zeros((1, 2, rows // 2, columns // 2), np.uint8)
    quarter = height // 4  # is missing on each side of a kernel
    inner = dark.copy()
    for axis, cut in ((2, quarter), (3, min(quarter, least // 4))):
        for shift in (-cut, cut):
            inner &= np.roll(dark, shift, axis)
    kernel[:, 0] = 255 * inner[:, 0, ::2, ::2]
    kernel[:, 1] = 255 * dark[:, 0, ::2, ::2]
    shape = np.zeros((1, 2, rows // 4, columns // 4), np.uint8)
    shape[:, 0] = round(STEPS * float(np.log2(height)))
    shape[:, 1] = 255 * column
    return kernel, shape


def corners(line):
    low, high = np.min(line.quad, axis=0), np.max(line.quad, axis=0)
    return [*low.tolist(), *high.tolist()]


def test_a_line_comes_back_in_its_place_with_a_margin():
    found = find_lines_learned(drawn((100, 50, 400, 70)), model)
    (line,) = found.lines
    assert corners(line) == pytest.approx([98, 48, 402, 72], abs=2.5)
    assert not line.vertical
    assert found.finder == "learned"


def test_a_digit_that_is_narrower_than_high_keeps_its_width():
    gray = drawn((100, 50, 400, 70), (450, 50, 466, 70))
    found = find_lines_learned(gray, lambda part: model(part, least=16))
    assert len(found.lines) == 2
    assert corners(found.lines[1]) == pytest.approx([448, 48, 468, 72], abs=3)


def test_lines_come_in_reading_order_and_gaps_part_them():
    boxes = [(50, 200, 300, 220), (50, 50, 300, 70), (340, 50, 500, 70)]
    found = find_lines_learned(drawn(*boxes), model)
    starts = [tuple(round(side, -1) for side in corners(line)[:2]) for line in found.lines]
    assert starts == [(50, 50), (340, 50), (50, 200)]


def test_pieces_with_less_than_half_a_letter_between_are_one_line():
    gray = drawn((50, 50, 300, 70), (306, 50, 500, 70))
    assert len(find_lines_learned(gray, model).lines) == 1
    apart = drawn((50, 50, 300, 70), (322, 50, 500, 70))
    assert len(find_lines_learned(apart, model).lines) == 2


def test_a_column_is_vertical_and_as_wide_as_its_characters():
    found = find_lines_learned(drawn((300, 40, 320, 340)), lambda part: model(part, column=True))
    (line,) = found.lines
    assert line.vertical
    assert corners(line) == pytest.approx([298, 38, 322, 342], abs=2.5)


def test_a_slanted_line_gets_a_slanted_quad():
    import cv2

    gray = drawn((100, 190, 500, 210))
    turn = cv2.getRotationMatrix2D((300, 200), -5, 1)
    gray = cv2.warpAffine(gray, turn, (600, 400), borderValue=240)
    found = find_lines_learned(gray, model)
    (line,) = found.lines
    (x0, y0), (x1, y1) = line.quad[:2]
    assert np.degrees(np.arctan2(y1 - y0, x1 - x0)) == pytest.approx(5, abs=0.5)
    assert found.angle == pytest.approx(-5, abs=0.5)


def test_blank_pages_ask_nobody():
    def never(_):
        raise AssertionError("asked")

    found = find_lines_learned(np.full((500, 500), 200, np.uint8), never)
    assert found.lines == ()
    assert found.reason == "no text found: the page is blank"


def test_a_page_without_text_says_so():
    rng = np.random.default_rng(1)
    found = find_lines_learned(
        rng.integers(0, 256, (200, 300)).astype(np.uint8),
        lambda part: tuple(np.zeros((1, 2, *(side // by for side in part.shape[2:])), np.uint8) for by in (2, 4)),
    )  # fmt: skip
    assert found.reason == "no text found: nothing that the line finder takes for it"


def test_tiles_cover_every_pixel_once_and_overlap():
    kept = np.zeros((2500, 1900), int)
    for tile in tiles(*kept.shape):
        top, left, bottom, right = tile.keep
        kept[top:bottom, left:right] += 1
        assert tile.top == max(0, top - HALO)
        assert tile.bottom - tile.top <= INNER + 2 * HALO
    assert (kept == 1).all()


def test_nothing_is_lost_or_doubled_at_the_seams_of_tiles():
    """Lines across, along and beside every seam of a page of six tiles."""
    boxes = [(200, y, 1700, y + HEIGHT) for y in range(100, 2400, 60)]
    boxes += [(100, INNER - 10, 160, INNER + 10)]
    gray = drawn(*boxes, shape=(2500, 1900))
    seen = []

    def ask(part):
        seen.append(part.shape)
        return model(part)

    maps = maps_of(gray, ask)
    assert len(seen) == 6
    assert max(rows * columns for _, _, rows, columns in seen) < 1_500_000
    whole, _ = model(np.pad(gray, ((0, 28), (0, 20)), mode="edge")[None, None])
    np.testing.assert_array_equal(maps.kernel, whole[0, 0, :1250, :950])


def test_maps_of_another_shape_are_refused():
    with pytest.raises(MapsError, match="expected uint8"):
        find_lines_learned(drawn((9, 9, 99, 29)), lambda part: (part, part))


def test_pages_are_looked_at_small_and_again_where_their_letters_are_low():
    a4 = first_look(2339, 1654)
    assert a4.rows * a4.columns == pytest.approx(FIRST, rel=0.01)
    assert first_look(300, 200).shrink == 1
    assert closer_look(a4, 2339, 1654, np.full(40, 14.0)) is None
    again = closer_look(a4, 2339, 1654, np.full(40, 6.0))
    assert again is not None
    assert again.shrink == 1
    assert closer_look(again, 2339, 1654, np.full(40, 6.0)) is None
    poster = first_look(18724, 13244)  # A0 at 400 dpi
    assert poster.rows * poster.columns < LARGEST
    closest = closer_look(poster, 18724, 13244, np.full(40, 6.0))
    assert closest is not None
    assert closest.rows * closest.columns < 1.01 * LARGEST


def test_the_spec_says_what_the_maps_mean():
    assert FinderSpec.from_parameters(FinderSpec().to_parameters()) == FinderSpec()
    assert finds_lines(FinderSpec().to_parameters())
    with pytest.raises(SpecError, match="known: 1"):
        FinderSpec.from_parameters({KEY: "2"})
    with pytest.raises(SpecError, match=KEY):
        FinderSpec.from_parameters({})
