"""Made pages: the same for the same seed, and their truth is true."""

import cv2
import numpy as np
import pytest

pytest.importorskip("fontTools", reason="the extra [training] is not installed")

from ocr_training.pages import KINDS, SURROUNDINGS, PageMaker
from ocr_training.pages.sheet import upright_pieces


@pytest.fixture(scope="module")
def maker(fonts_folder):
    return PageMaker(fonts_folder)


def test_a_page_is_a_function_of_seed_and_index(maker):
    """Whatever was made before."""
    first, _, again = maker.make(3, 1), maker.make(4, 0), maker.make(3, 1)
    assert np.array_equal(first.image, again.image)
    assert first.lines == again.lines
    assert maker.make(3, 2).lines != first.lines


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_lines_with_ink_in_their_quads(maker, kind):
    """Dark on light or light on dark: levels differ within the quad, and it lies on the page."""
    page = maker.make(1, 0, kind, "clean")
    assert len(page.lines) >= 5
    assert [line.block for line in page.lines] == sorted(line.block for line in page.lines)
    for line in page.lines:
        (left, top), _, (right, bottom), _ = (tuple(map(int, corner)) for corner in line.quad)
        assert 0 <= left < right <= page.image.shape[1]
        assert 0 <= top < bottom <= page.image.shape[0]
        assert np.ptp(page.image[top:bottom, left:right]) > 60
        assert line.text == line.text.strip() != ""
        assert line.vertical == (kind == "vertical")


@pytest.mark.parametrize("surroundings", SURROUNDINGS)
def test_quads_follow_their_lines_through_the_camera(maker, surroundings):
    """Each line cut out of its place has ink from edge to edge, with no more than blur beside."""
    page = maker.make(2, 1, "receipt", surroundings)
    for line in page.lines:
        corners = np.array(line.quad, np.float32)
        size = np.linalg.norm(corners[1] - corners[0]), np.linalg.norm(corners[3] - corners[0])
        columns, rows = (max(8, round(float(side))) for side in size)
        flat = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32)
        turn = cv2.getPerspectiveTransform(corners, flat)
        cut = cv2.warpPerspective(page.image, turn, (columns, rows)).astype(int)
        contrast = np.ptp(cut)
        for edge in (cut[:2], cut[-2:], cut[:, :2], cut[:, -2:]):
            assert np.ptp(edge) > 0.15 * contrast, line.text


def test_an_unknown_kind_is_refused_by_name(maker):
    with pytest.raises(ValueError, match="kind: 'poster' is not one of article"):
        maker.make(1, 1, "poster")


def test_latin_words_stay_whole_in_a_column():
    assert upright_pieces("第12页 OCR 好") == ["第", "12", "页", "OCR", "好"]
