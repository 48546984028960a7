"""The four stages exactly as written down, and the serving path's own promises."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ocr_preprocessing.exact import exact_line, preprocess_image
from ocr_preprocessing.fast import NOISE_LIMIT, fast_line, noise_level, stretch
from ocr_preprocessing.line import prepare_line
from ocr_preprocessing.spec import LineSpec, SpecError


def text_line(rows: int = 100, columns: int = 1000, ink: int = 40, paper: int = 220) -> np.ndarray:
    gray = np.full((rows, columns), paper, np.uint8)
    cv2.putText(
        gray, "Total 128.50 EUR", (10, int(rows * 0.7)), cv2.FONT_HERSHEY_SIMPLEX, rows / 40, ink, 3
    )
    return gray


def test_exact_is_the_four_stages_in_order():
    """Gray, CLAHE(2.0, 8x8), fastNlMeansDenoising, cubic resize, float32 in [0, 1]."""
    bgr = cv2.cvtColor(text_line(60, 300), cv2.COLOR_GRAY2BGR)
    bgr[..., 0] //= 2
    gray = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    even = cv2.createCLAHE(2.0, (8, 8)).apply(gray)
    clean = cv2.fastNlMeansDenoising(even)
    scaled = cv2.resize(clean, (160, 32), interpolation=cv2.INTER_CUBIC)
    made = preprocess_image(bgr)
    assert made.dtype == np.float32
    assert np.array_equal(made, scaled.astype(np.float32) / 255)
    assert np.array_equal(exact_line(gray), scaled)


@pytest.mark.parametrize(("rows", "columns"), [(32, 320), (100, 1000), (20, 90), (7, 300), (2, 2)])
@pytest.mark.parametrize("height", [32, 48])
def test_aspect_ratio_is_kept(rows, columns, height):
    """Both paths give the same width, within half a pixel of the ratio."""
    gray = text_line(rows, columns)
    for line in (exact_line(gray, height), fast_line(gray, height)):
        assert line.shape == (height, max(1, round(columns * height / rows)))
        assert line.dtype == np.uint8
    made = preprocess_image(gray, height)
    assert made.shape[0] == height
    assert 0 <= made.min() <= made.max() <= 1


def test_very_narrow_image_keeps_a_column():
    """A column of pixels becomes one, not none."""
    assert fast_line(np.zeros((900, 2), np.uint8)).shape == (32, 1)
    assert exact_line(np.zeros((900, 2), np.uint8)).shape == (32, 1)


def test_callers_pixels_are_not_changed():
    """Neither path writes into its input."""
    gray = text_line()
    before = gray.copy()
    fast_line(gray)
    exact_line(gray)
    assert np.array_equal(gray, before)


def test_dark_line_reaches_the_full_range():
    """Faint ink on dark paper is as strong as on white after stretching."""
    line = fast_line(text_line(ink=20, paper=50))
    assert line.min() == 0
    assert line.max() == 255


def test_blank_paper_is_not_made_into_texture():
    """Levels within LEAST_RANGE are left as they are."""
    paper = np.random.default_rng(0).integers(200, 206, (32, 300), dtype=np.uint8)
    assert np.array_equal(stretch(paper), paper)


@pytest.mark.parametrize("sigma", [0, 10, 20, 40])
def test_noise_is_measured_in_gray_levels(sigma):
    """Within a fifth on text with noise of known strength; text alone counts as little."""
    random = np.random.default_rng(0)
    line = cv2.GaussianBlur(text_line(32, 400), (0, 0), 1.0).astype(np.float64) / 2 + 64
    noisy = np.clip(np.rint(line + random.normal(0, sigma, line.shape)), 0, 255).astype(np.uint8)
    assert noise_level(noisy) == pytest.approx(sigma, rel=0.2, abs=1.5)


def test_denoising_runs_only_where_noise_was_measured(monkeypatch):
    """It is the dear part: clean lines must not pay for it."""
    calls = []
    original = cv2.fastNlMeansDenoising
    monkeypatch.setattr(
        cv2, "fastNlMeansDenoising", lambda *a, **k: calls.append(1) or original(*a, **k)
    )
    clean = text_line()
    fast_line(clean)
    assert not calls
    noisy = np.clip(clean + np.random.default_rng(0).normal(0, 90, clean.shape), 0, 255)
    scaled = fast_line(noisy.astype(np.uint8))
    assert calls
    assert noise_level(scaled) < NOISE_LIMIT


@pytest.mark.parametrize("stages", ["fast", "exact"])
def test_spec_chooses_the_stages(stages):
    """What the model was trained with is what its lines get."""
    gray = text_line()
    path = {"fast": fast_line, "exact": exact_line}[stages]
    (window,) = prepare_line(gray, LineSpec(stages=stages)).windows
    assert np.array_equal(window.pixels[0, :, :320], path(gray, 32))


def test_spec_survives_the_model_configuration():
    """What export writes is what the client reads."""
    spec = LineSpec(48, "exact", (64, 640), 255, 8)
    assert LineSpec.from_parameters(spec.to_parameters()) == spec


BAD_PARAMETERS = [
    ({"ocr_stages": "slow"}, "stages: 'slow' is not one of fast, exact"),
    ({"ocr_height": "tall"}, "ocr_height: 'tall' is not a whole number"),
    ({"ocr_height": "0"}, "height: 0 must be 1 or more"),
    ({"ocr_width_buckets": "320,96"}, "must ascend"),
    ({"ocr_width_buckets": ""}, "is not a whole number"),
    ({"ocr_width_buckets": "97"}, "multiple of 4"),
    ({"ocr_pad_value": "256"}, "must lie in 0..255"),
    ({"ocr_stride": None}, "ocr_stride: missing from the model's parameters"),
]


@pytest.mark.parametrize(("change", "message"), BAD_PARAMETERS)
def test_parameters_that_make_no_sense_are_refused(change, message):
    """Naming the key."""
    merged = LineSpec().to_parameters() | change
    parameters = {key: value for key, value in merged.items() if value is not None}
    with pytest.raises(SpecError) as caught:
        LineSpec.from_parameters(parameters)
    assert message in str(caught.value)
