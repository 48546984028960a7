"""Who finds the lines of a page: as the settings say, and the classical finder where it must."""

import logging

import numpy as np
import pytest
from made_pages import ENGLISH, page

from ocr_client import ClientConfig, OCRClient
from ocr_client import errors as tree
from ocr_client.config import PageSettings, TritonSettings
from ocr_client.fake import FakeTransport
from ocr_client.pages.finder import AWAY_S, LOW, PageFinder, choose
from ocr_client.pages.settings import LINE_FINDER
from ocr_preprocessing.finder_spec import STEPS

LEARNED = PageSettings(finder="learned")


def one_line(part):
    """A model that finds a line of 20 pixels at (100, 100) on every page."""
    rows, columns = part.shape[2:]
    where = np.zeros((1, 2, rows // 2, columns // 2), np.uint8)
    where[0, 0, 52:58, 52:148] = 255
    shape = np.zeros((1, 2, rows // 4, columns // 4), np.uint8)
    shape[0, 0] = round(STEPS * float(np.log2(20)))
    return where, shape


def street(rows, columns):
    """Bricks and sky: ground of many levels."""
    y, x = np.mgrid[:rows, :columns]
    return (120 + 60 * np.sin(x / 40) + 60 * np.cos(y / 25)).astype(np.uint8)


@pytest.mark.parametrize(
    ("choice", "gray", "finder"),
    [
        ("classical", street(900, 700), "classical"),
        ("learned", page(), "learned"),
        ("auto", street(900, 700), "learned"),
        ("auto", page(), "classical"),  # even paper
        ("auto", 255 - page(), "classical"),  # a dark screen
        ("auto", street(LOW, 900), "classical"),  # a line, or a few of them
        ("auto", street(900, LOW), "classical"),
    ],
)
def test_the_choice_is_a_rule_of_the_setting_and_the_image(choice, gray, finder):
    assert choose(choice, gray) == finder


def test_the_model_is_asked_for_the_page_and_its_version_is_the_configured_one():
    transport = FakeTransport({LINE_FINDER: one_line})
    found = PageFinder(transport)(page(), LEARNED)
    assert found.finder == "learned"
    (line,) = found.lines
    assert np.min(line.quad, axis=0) == pytest.approx([97, 97], abs=4)
    assert [asked.arm for asked in transport.asked] == [LINE_FINDER]
    assert all(0 < asked.timeout_s <= LEARNED.deadline_s / 4 for asked in transport.asked)


def test_classical_asks_nobody():
    transport = FakeTransport({LINE_FINDER: one_line})
    found = PageFinder(transport)(page(), PageSettings(finder="classical"))
    assert (found.finder, len(found.lines)) == ("classical", len(ENGLISH))
    assert transport.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        tree.ArmFailedError(f"{LINE_FINDER}: onnx runtime error 6"),
        tree.UnreachableError("no Triton at 127.0.0.1:9"),
        lambda part: (part, part),  # maps of another shape
    ],
)
def test_a_model_that_fails_is_replaced_and_the_log_says_why(answer, caplog):
    finder = PageFinder(FakeTransport({LINE_FINDER: answer}))
    with caplog.at_level(logging.WARNING, "ocr_client"):
        found = finder(page(), LEARNED)
    assert (found.finder, len(found.lines)) == ("classical", len(ENGLISH))
    assert "lines are found by the classical finder: " in caplog.text
    assert str(LINE_FINDER) in caplog.text or "no Triton" in caplog.text


def test_a_missing_model_is_asked_for_again_after_a_while():
    now = [100.0]
    transport = FakeTransport({})
    finder = PageFinder(transport, lambda: now[0])
    assert finder(page(), LEARNED).finder == "classical"
    transport.arms[LINE_FINDER] = one_line
    assert finder(page(), LEARNED).finder == "classical"
    now[0] += AWAY_S + 1
    assert finder(page(), LEARNED).finder == "learned"


@pytest.mark.server
def test_without_the_model_the_real_server_s_pages_are_read_all_the_same(triton):
    """Asked for a version that is not there; the result says who found the lines."""
    missing = PageSettings(finder="learned", finder_model=type(LINE_FINDER)("line_finder", 99))
    config = ClientConfig(triton=TritonSettings(urls=(triton.http_url,)), pages=missing)
    with OCRClient(config) as client:
        result = client.recognize_page(page())
    assert (result.finder, len(result.lines)) == ("classical", len(ENGLISH))
    assert result.to_json()["finder"] == "classical"


@pytest.mark.server
def test_the_published_model_finds_the_lines_through_the_real_server(triton):
    """Over the same transport as everything else, and the result says so."""
    config = ClientConfig(
        triton=TritonSettings(urls=(triton.http_url,)), pages=PageSettings(finder="learned")
    )
    with OCRClient(config) as client:
        result = client.recognize_page(page())
    assert (result.finder, len(result.lines)) == ("learned", len(ENGLISH))
