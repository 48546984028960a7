"""Who finds the lines of a page: as the settings say, and the classical finder where it must."""

import logging

import numpy as np
import pytest
from made_pages import ENGLISH, page

from ocr_client import ClientConfig, OCRClient
from ocr_client import errors as tree
from ocr_client.config import PageSettings, TritonSettings
from ocr_client.fake import FakeTransport
from ocr_client.pages.finder import AWAY_S, LOW, PageFinder, asks_again, asks_model
from ocr_client.pages.settings import LINE_FINDER
from ocr_preprocessing.finder_spec import STEPS
from ocr_preprocessing.page import FoundLine, FoundPage

LEARNED = PageSettings(finder="learned")


NOTHING = FoundPage((), 0.0, is_line=False, reason="no text found", finder="learned")


def one_line(part):
    """A model that finds a line of 20 pixels at (100, 100) on every page."""
    rows, columns = part.shape[2:]
    where = np.zeros((1, 2, rows // 2, columns // 2), np.uint8)
    where[0, 0, 52:58, 52:148] = 255
    shape = np.zeros((1, 2, rows // 4, columns // 4), np.uint8)
    shape[0, 0] = round(STEPS * float(np.log2(20)))
    return where, shape


def rows_of(count):
    """A model that finds rows of two lines, of 34 pixels, 64 from one to the next, on every page."""

    def answer(part):
        rows, columns = part.shape[2:]
        where = np.zeros((1, 2, rows // 2, columns // 2), np.uint8)
        for row in range(count):
            top = (80 + 64 * row) // 2
            where[0, 0, top + 4 : top + 14, 35:200] = 255
            where[0, 0, top + 4 : top + 14, 240:280] = 255
        shape = np.zeros((1, 2, rows // 4, columns // 4), np.uint8)
        shape[0, 0] = round(STEPS * float(np.log2(34)))
        return where, shape

    return answer


def street(rows, columns):
    """Bricks and sky: ground of many levels."""
    y, x = np.mgrid[:rows, :columns]
    return (120 + 60 * np.sin(x / 40) + 60 * np.cos(y / 25)).astype(np.uint8)


def slip(*, wide=400, rows=8, room=50, vertical=False):
    """Rows of two pieces, of 20 pixels, 40 from one row to the next."""
    ends = ((50, wide // 2), (wide // 2 + room, 50 + wide))
    pieces = [
        (row, *end) for row in range(100, 100 + 40 * rows, 40) for end in ends[: 1 + (room > 0)]
    ]
    return FoundPage(
        tuple(
            FoundLine(((x0, y), (x1, y), (x1, y + 20), (x0, y + 20)), vertical, 0, 1.0)
            for y, x0, x1 in pieces
        ),
        0.0,
        is_line=False,
        reason="",
        finder="learned",
    )


@pytest.mark.parametrize(
    ("choice", "gray", "asks"),
    [
        ("classical", street(900, 700), False),
        ("learned", page(), True),
        ("learned", street(LOW, 900), True),
        ("auto", street(900, 700), True),
        ("auto", page(), True),
        ("auto", street(LOW, 900), False),  # a line, or a few of them
        ("auto", street(900, LOW), False),
    ],
)
def test_the_model_is_asked_by_a_rule_of_the_setting_and_the_image(choice, gray, asks):
    assert asks_model(choice, gray) is asks


@pytest.mark.parametrize(
    ("choice", "gray", "found", "again"),
    [
        ("auto", page(), slip(), True),
        ("auto", 255 - page(), slip(), True),  # a dark screen as narrow as that
        ("learned", page(), slip(), False),
        ("auto", street(900, 700), slip(), False),  # photographed
        ("auto", page(), slip(wide=700), False),  # 35 heights across
        ("auto", page(), slip(room=0), False),  # a column of text
        ("auto", page(), slip(rows=2), False),  # too few lines to tell
        ("auto", page(), slip(vertical=True), False),
        ("auto", page(), NOTHING, True),  # a line of letters that fill the image, maybe
        ("auto", street(240, 700), NOTHING, True),
        ("auto", street(900, 700), NOTHING, False),
        ("learned", page(), NOTHING, False),
    ],
)
def test_slips_that_lie_flat_are_the_classical_finders(choice, gray, found, again):
    assert asks_again(choice, gray, found) is again


def test_a_slip_is_found_by_the_model_first_and_then_by_the_classical_finder():
    texts = [f"{number:04} TWISTIES CHIPS  {number}.90" for number in range(14)]
    gray = page(texts, size=(700, 1200))
    transport = FakeTransport({LINE_FINDER: rows_of(len(texts))})
    assert PageFinder(transport)(gray, PageSettings(finder="learned")).finder == "learned"
    found = PageFinder(transport)(gray, PageSettings(finder="auto"))
    assert (found.finder, len(transport.asked)) == ("classical", 2)
    assert len(found.lines) >= len(texts)


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
