"""The published line finder on made pages: no worse than it was when it was published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("fontTools", reason="the extra [training] is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="the extra [export] is not installed")

import cv2

from ocr_preprocessing.finder_spec import INPUT, OUTPUTS
from ocr_preprocessing.page import find_lines
from ocr_preprocessing.page.learned import find_lines_learned
from ocr_training.finder.pages import FinderPages

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "model_repository/line_finder/2/model.onnx"
FONTS = ROOT / "build/fonts-small"


@pytest.fixture(scope="module")
def find():
    session = onnxruntime.InferenceSession(MODEL.read_bytes())
    return lambda gray: find_lines_learned(
        gray, lambda part: tuple(session.run(list(OUTPUTS), {INPUT: part}))
    )


def quads_of(lines):
    return np.array([line.quad for line in lines], np.float32).reshape(-1, 4, 2)


def matched_lines(found, truth):
    """How many of `truth` share half of the union with a line that was found (IoU >= 0.5)."""
    count = 0
    for quad in truth:
        for other in found:
            common = cv2.intersectConvexConvex(quad, other)[0]
            if common >= 0.5 * (cv2.contourArea(quad) + cv2.contourArea(other) - common):
                count += 1
                break
    return count


# Three points under what was seen, four of scenes, which hold eight lines each. Of held-out words: a
# change of what training draws changes all other pages.
@pytest.mark.parametrize(
    ("kind", "pages", "recall", "precision"),
    [
        ("article", 6, 0.96, 0.96),
        ("slip", 6, 0.94, 0.95),
        ("screen", 6, 0.97, 0.96),
        ("scene", 30, 0.83, 0.8),
    ],
)
def test_lines_of_made_pages_are_found(find, kind, pages, recall, precision):
    """At least so many of the lines, and so many of what is found."""
    maker = FinderPages(FONTS, held_out=True)
    labels = found = matched = 0
    for index in range(pages):
        page = maker.make(21, index, kind)
        truth, quads = quads_of(page.lines), quads_of(find(page.image).lines)
        labels, found = labels + len(truth), found + len(quads)
        matched += matched_lines(quads, truth)
    assert labels >= 150
    assert matched >= recall * labels
    assert matched >= precision * found


def test_text_on_textures_is_found_where_the_classical_finder_sees_little(find):
    """What it is for."""
    maker = FinderPages(FONTS, held_out=True)
    counts = {"learned": 0, "classical": 0}
    for index in range(4):
        page = maker.make(22, index, "scene")
        truth = quads_of(page.lines)
        for name, look in (("learned", find), ("classical", find_lines)):
            counts[name] += matched_lines(quads_of(look(page.image).lines), truth)
    assert counts["learned"] > 1.5 * counts["classical"]
