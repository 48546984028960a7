"""Windows: padded to buckets, whole steps apart, and joined so that no character is lost."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocr_preprocessing.line import prepare_line
from ocr_preprocessing.spec import LineSpec
from ocr_preprocessing.windows import bucket_for, cut_windows, find_seam, join_steps, overlap

SPEC = LineSpec()


def line_of(width: int) -> np.ndarray:
    """A line (32, width) whose columns tell where they are."""
    return np.tile((np.arange(width) % 251).astype(np.uint8), (32, 1))


BUCKETS = [
    # line width, bucket
    (1, 96),
    (96, 96),
    (97, 128),
    (320, 320),
    (321, 384),
    (1024, 1024),
]


@pytest.mark.parametrize(("width", "bucket"), BUCKETS)
def test_line_is_padded_on_the_right_to_its_bucket(width, bucket):
    """The line is untouched, the rest is the pad value."""
    spec = LineSpec(pad_value=77)
    (window,) = cut_windows(line_of(width), spec).windows
    assert window.pixels.shape == (1, 32, bucket)
    assert window.pixels.dtype == np.uint8
    assert np.array_equal(window.pixels[0, :, :width], line_of(width))
    assert (window.pixels[0, :, width:] == 77).all()
    assert window.first_step == 0
    assert bucket_for(width, spec) == window.width == bucket


@settings(deadline=None)
@given(width=st.integers(1, 9000))
def test_windows_cover_the_line_and_overlap_by_whole_steps(width):
    """Every column is in a window; neighbours share at least the overlap; sizes are buckets."""
    line = line_of(width)
    windows = cut_windows(line, SPEC).windows
    covered = np.zeros(width, bool)
    for window in windows:
        start = window.first_step * SPEC.stride
        piece = line[:, start : start + window.width]
        assert np.array_equal(window.pixels[0, :, : piece.shape[1]], piece)
        assert window.width in SPEC.width_buckets
        covered[start : start + window.width] = True
    assert covered.all()
    for left, right in pairwise(windows):
        assert left.width == SPEC.width_buckets[-1]
        shared = left.first_step * SPEC.stride + left.width - right.first_step * SPEC.stride
        assert shared == overlap(SPEC) == 128


@pytest.mark.parametrize(
    "spec",
    [
        LineSpec(width_buckets=(96,)),
        LineSpec(width_buckets=(4,)),
        LineSpec(height=48, stride=8, width_buckets=(64, 104)),
    ],
)
def test_small_buckets_still_advance(spec):
    """A window never overlaps by more than its half."""
    windows = cut_windows(np.zeros((spec.height, 500), np.uint8), spec).windows
    steps = [window.first_step for window in windows]
    assert all(right > left for left, right in pairwise(steps))
    assert steps[-1] * spec.stride + windows[-1].width >= 500


def test_line_of_another_height_is_refused():
    """A mistake of the program, not of the image."""
    with pytest.raises(ValueError, match="48 rows high, the model takes 32"):
        cut_windows(np.zeros((48, 100), np.uint8), SPEC)


def test_steps_lead_back_to_source_pixels():
    """A 100x1000 crop is 320 px wide at height 32; step 0..1 are its first 25 pixels."""
    line = prepare_line(np.tile(line_of(1000)[:1], (100, 1)), SPEC)
    assert (line.width, line.source_width) == (320, 1000)
    assert line.x_range(0, 1) == (0.0, 25.0)
    assert line.x_range(79, 79) == (987.5, 1000.0)
    assert line.x_range(80, 95) == (1000.0, 1000.0), "padding is drawn back to the end"


# A simulated model: characters sit at known steps of the line and a window emits each once,
# where it sees it, up to a step early or late, and possibly on two steps. Half characters at a
# cut edge are read as something else.


@st.composite
def written_lines(draw):
    """(steps of the line, list of (centre step, code point))."""
    gaps = draw(st.lists(st.integers(5, 14), min_size=1, max_size=120))
    centres = np.cumsum(gaps)
    codes = draw(
        st.lists(st.integers(65, 70), min_size=len(gaps), max_size=len(gaps))  # many repeats
    )
    return int(centres[-1]) + 4, list(zip(centres.tolist(), codes, strict=True))


def read_window(random, first, steps, characters, line_steps):
    codes = np.zeros(steps, np.int32)
    for centre, code in characters:
        at = centre - first
        if not -4 < at < steps + 3:
            continue
        left_cut = first > 0 and at < 4
        right_cut = first + steps < line_steps and at >= steps - 4
        if left_cut or right_cut:
            codes[np.clip(at, 0, steps - 1)] = 999  # half a character, misread
            continue
        at += random.integers(-1, 2)
        codes[at : at + random.integers(1, 3)] = code
    return codes, np.where(codes == 0, 0.99, 0.9).astype(np.float32)


def collapse(codes):
    return [
        int(code)
        for code, before in zip(codes, [0, *codes[:-1]], strict=True)
        if code and code != before
    ]


@settings(max_examples=300, deadline=None)
@given(written=written_lines(), seed=st.integers(0, 10_000))
def test_joined_windows_read_what_is_written(written, seed):
    """No character is lost, doubled or misread at a seam, wherever the cuts fall."""
    line_steps, characters = written
    spec = LineSpec(width_buckets=(128, 320))
    line = cut_windows(np.zeros((32, line_steps * 4), np.uint8), spec)
    random = np.random.default_rng(seed)
    answers = [
        read_window(random, window.first_step, window.width // 4, characters, line_steps)
        for window in line.windows
    ]
    codes, confidence = line.join(answers)
    assert collapse(codes) == [code for _, code in characters]
    assert codes.shape == confidence.shape
    assert len(codes) == line.windows[-1].first_step + len(answers[-1][0])
    assert codes.dtype == np.int32
    assert confidence.dtype == np.float32


def test_single_window_passes_through():
    """Most lines have one."""
    codes, confidence = np.array([0, 65, 0], np.int32), np.array([0.9, 0.8, 0.9], np.float32)
    joined = join_steps([0], [(codes, confidence)], SPEC)
    assert np.array_equal(joined[0], codes)
    assert np.array_equal(joined[1], confidence)


SEAMS = [
    # what, left (shared part), right (shared part), where the seam may lie
    ("nothing read: the middle", "................", "................", {8}),
    (
        "around a character in the middle",
        ".......A........",
        ".......A........",
        {4, 12, 11, 5, 6, 9, 10},
    ),
    ("seen a step apart", "......AA........", ".......AA.......", {4, 11, 12, 5, 10}),
    ("all disagree: still between the edges", "ABCDEFGHIJKLMNOP", "QRSTUVWXYZabcdef", range(4, 13)),
]


@pytest.mark.parametrize(
    ("left", "right", "places"), [c[1:] for c in SEAMS], ids=[c[0] for c in SEAMS]
)
def test_seam_lies_where_both_read_blank(left, right, places):
    """Never through a character, near the middle."""

    def codes(text):
        return np.array([0 if sign == "." else ord(sign) for sign in text], np.int32)

    assert find_seam(codes(left), codes(right), edge=4) in places


def test_windows_and_answers_must_match():
    """One answer too few is a mistake of the program."""
    line = cut_windows(line_of(2000), SPEC)
    answer = (np.zeros(256, np.int32), np.zeros(256, np.float32))
    with pytest.raises(ValueError, match="shorter"):
        line.join([answer])
