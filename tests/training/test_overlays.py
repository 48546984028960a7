"""What lies over a line changes the pixels it should, and no others."""

import numpy as np
import pytest

from ocr_training import overlays

ROWS, COLUMNS = 40, 300


def page(level=230.0):
    return np.full((ROWS, COLUMNS), level, np.float32)


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    ("draw", "rows"),
    [(overlays.strike_through, slice(14, 28)), (overlays.underline, slice(30, 40))],
)
def test_strokes_lie_where_they_are_named_after(draw, rows):
    for seed in range(20):
        image = page()
        draw(image, 20.0, rng(seed))
        outside = np.delete(image, np.r_[rows], axis=0)
        assert (outside == 230).all()
    assert image.min() < 60


def test_a_box_leaves_the_middle_of_the_line_free():
    for seed in range(20):
        image = page()
        overlays.box(image, 20.0, rng(seed))
        assert (image[8:32, 20:-20] == 230).all()


def test_a_watermark_is_faint_and_goes_both_ways():
    text = np.zeros((44, 200), np.uint8)
    text[10:34, 10:190] = 255
    darker, lighter = page(128), page(128)
    overlays.watermark(darker, text, 40, rng())
    overlays.watermark(lighter, text, -40, rng())
    assert darker.min() == pytest.approx(88, abs=1)
    assert lighter.max() == pytest.approx(168, abs=1)
    assert np.allclose(darker + lighter, 256)


def test_a_stain_hides_a_part_of_the_strokes():
    image = page()
    image[10:30, ::4] = 0
    before = image.copy()
    overlays.stain(image, 230.0, rng(3))
    changed = np.abs(image - before) > 1
    assert 0 < changed.mean() < 0.5
    assert (image >= before - 1).all(), "towards the paper, never darker"


def test_a_shadow_darkens_one_side_by_no_more_than_it_says():
    for seed in range(10):
        image = page()
        overlays.shadow(image, 0.5, rng(seed))
        assert 0.5 * 230 - 1 <= image.min() < 0.6 * 230
        assert image.max() > 0.9 * 230
