"""ModelScope's preparation, told apart from ours: scaled, padded with black, squeezed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ocr_preprocessing.bilinear import bilinear_line
from ocr_preprocessing.errors import ImageTooLargeError
from ocr_preprocessing.line import prepare_line
from ocr_preprocessing.load import load_image
from ocr_preprocessing.spec import LineSpec

SPEC = LineSpec(32, "bilinear", (640,))


def noise(rows, columns):
    return np.random.default_rng(0).integers(0, 256, (rows, columns), np.uint8)


@pytest.mark.parametrize(
    ("rows", "columns", "width"),
    [
        (32, 100, 100),
        (64, 201, 100),  # 100.5: cut, not rounded
        (20, 90, 144),
        (32, 640, 640),
        (32, 641, 640),
        (40, 4000, 640),  # five times too long: squeezed
        (900, 2, 1),
    ],
)
def test_width_is_cut_to_a_whole_number_and_to_the_widest(rows, columns, width):
    """Bilinear, without denoising or contrast."""
    gray = noise(rows, columns)
    line = bilinear_line(gray, 32, 640)
    assert line.shape == (32, width)
    assert np.array_equal(line, cv2.resize(gray, (width, 32), interpolation=cv2.INTER_LINEAR))


def test_line_stands_left_on_black():
    """In a tensor of the one width."""
    gray = noise(32, 100)
    (window,) = prepare_line(gray, SPEC).windows
    assert window.pixels.shape == (1, 32, 640)
    assert np.array_equal(window.pixels[0, :, :100], gray)
    assert not window.pixels[0, :, 100:].any()


def test_long_line_is_one_window_and_places_are_right():
    """Squeezed, so half of the steps are half of the image."""
    line = prepare_line(noise(40, 4000), SPEC)
    assert (len(line.windows), line.width, line.source_width) == (1, 640, 4000)
    assert line.x_range(0, 79) == (0, 2000)
    assert line.x_range(80, 159) == (2000, 4000)


def test_line_of_a_thousand_heights_is_still_refused():
    """Squeezing such a line would make noise of it."""
    with pytest.raises(ImageTooLargeError, match="too wide for one line"):
        prepare_line(np.zeros((2, 3000), np.uint8), SPEC)


def test_gray_before_scaling_differs_by_little_from_gray_after():
    """ModelScope scales RGB and weighs it in the network; we weigh first. Two levels of 255.

    Each side rounds twice (here gray and the scaled gray, there the channels), half a level each,
    and the weights (0.299 here, 0.2989 there, scaled by 0.9999) differ by less than 0.02.
    """
    rgb = np.random.default_rng(1).integers(0, 256, (64, 900, 3), np.uint8)
    rgb[:, 300:600] = (255, 0, 0)
    rgb[:, 600:] = (0, 0, 255)
    ours = prepare_line(load_image(rgb[..., ::-1]), SPEC).windows[0].pixels[0, :, :450] * 0.9999
    scaled = cv2.resize(rgb, (450, 32)).astype(np.float64)
    theirs = scaled @ np.array([0.2989, 0.5870, 0.1140])
    difference = np.abs(ours - theirs)
    assert difference.max() < 2.0
    assert difference.mean() < 0.5


def test_one_width_is_a_fixed_one():
    """Several are not."""
    assert SPEC.fixed_width == 640
    assert LineSpec().fixed_width is None
