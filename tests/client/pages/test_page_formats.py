"""What each format says, read back by programs that did not write it."""

import gc
import io
import itertools
import json
import re
import tracemalloc
from xml.etree import ElementTree as ET

import numpy as np
import pypdfium2
import pytest
from made_pages import CHINESE, LATIN, MIXED, blank, columns, page, quads
from PIL import Image

from ocr_client import Arm
from ocr_client.errors import ArmFailedError
from ocr_client.pages.formats import FORMATS, Entry, Failure, writer_for
from ocr_client.pages.formats.entry import Place
from ocr_client.pages.layout import page_text
from ocr_client.pages.structure import NO_MARKS, arranged
from ocr_client.pages.turns import quad_back, turned
from ocr_client.results import Character, PageResult, ReadLine, box_around

ALTO = "{http://www.loc.gov/standards/alto/ns-v4#}"
XHTML = "{http://www.w3.org/1999/xhtml}"
ODD = 'a < b & "c" \x0b]]> </p>'


class Held:
    """A page of pixels (H, W)."""

    number = count = 1

    def __init__(self, gray, file="page.png"):
        self.gray = gray
        self.file = file

    def picture(self):
        return Image.fromarray(self.gray).convert("RGB"), 150.0


def line(text, quad, *, vertical=False, block=0):
    quad = tuple((float(x), float(y)) for x, y in quad)
    begin, along = quad[0], quad[3 if vertical else 1]
    side = quad[1 if vertical else 3]
    step = [(along[axis] - begin[axis]) / len(text) for axis in (0, 1)]
    characters = []
    for n, one in enumerate(text):
        corners = [
            (begin[0] + m * step[0] + s * (side[0] - begin[0]),
             begin[1] + m * step[1] + s * (side[1] - begin[1]))
            for m in (n, n + 1)
            for s in (0, 1)
        ]  # fmt: skip
        left, top, right, bottom = box_around((tuple(corners),))
        characters.append(Character(one, 0.9, left, right, top, bottom))
    return ReadLine(text, 0.9, tuple(characters), quad, vertical, block)


def result(lines, shape, turned=0):
    lines, blocks = arranged(lines, NO_MARKS, (shape[1], shape[0]))
    return PageResult(
        page_text(lines), 0.9, (), Arm("crnn", 3), 1, "r", 1, False, False, "forced", None, 1.0,
        "id", shape[1], shape[0], "page", "told", "classical", lines, blocks, turned, 0.0,
    )  # fmt: skip


def read(texts, gray, *, font=LATIN, turn=0):
    """As if `texts` had been read where they were drawn; turn: that makes them upright."""
    lines = [
        line(text, quad_back(quad, turn, gray.shape))
        for text, quad in zip(texts, quads(texts, font=font), strict=True)
    ]
    return Entry(Place("page.png", 1, 1), result(lines, gray.shape, turn), Held(gray))


def written(format_, *entries):
    stream = io.BytesIO()
    writer = writer_for(format_, stream)
    for entry in entries:
        if isinstance(entry, Failure):
            writer.failed(entry)
        else:
            writer.page(entry)
    writer.close()
    return stream.getvalue()


@pytest.fixture(scope="module")
def mixed():
    return read(MIXED, page(MIXED, font=CHINESE), font=CHINESE)


def pages_of(content):
    document = pypdfium2.PdfDocument(content)
    try:
        for one in document:
            text = one.get_textpage()
            yield one, text
            text.close()
            one.close()
    finally:
        document.close()


def test_text_in_a_pdf_is_found_and_copied_where_it_stands(mixed):
    """Chinese and Latin; each line's box is the one that was read."""
    for pdf_page, text in pages_of(written("pdf", mixed)):
        assert text.get_text_range().split("\r\n") == list(MIXED)
        scale = 72 / 150
        height = pdf_page.get_height()
        for number, one in enumerate(mixed.read.lines):
            searcher = text.search(MIXED[number])
            begin, count = searcher.get_next()
            boxes = [text.get_charbox(begin + n) for n in range(count)]
            left, top, right, bottom = one.box
            assert min(box[0] for box in boxes) == pytest.approx(left * scale, abs=1)
            assert max(box[2] for box in boxes) == pytest.approx(right * scale, abs=1)
            assert height - max(box[3] for box in boxes) == pytest.approx(top * scale, abs=1)
            assert height - min(box[1] for box in boxes) == pytest.approx(bottom * scale, abs=1)
            searcher.close()


def test_a_pdf_shows_the_picture_and_nothing_else(mixed):
    """The text lies under it, unseen."""
    for pdf_page, _ in pages_of(written("pdf", mixed)):
        bitmap = pdf_page.render(scale=150 / 72, grayscale=True)
        shown = bitmap.to_numpy().reshape(bitmap.height, bitmap.width).astype(int)
        gray = mixed.page.gray
        shown = shown[: gray.shape[0], : gray.shape[1]]
        assert np.abs(shown - gray[: shown.shape[0], : shown.shape[1]]).mean() < 4


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_turned_page_comes_out_upright_with_its_text(turn):
    texts = ["The goods were sent", "Thank you"]
    gray = turned(page(texts), (360 - turn) % 360)
    (found,) = [
        (one.get_rotation(), text.get_text_range())
        for one, text in pages_of(written("pdf", read(texts, gray, turn=turn)))
    ]
    assert found == (turn, "The goods were sent\r\nThank you")


def test_a_column_of_vertical_text_is_copied_from_top_to_bottom():
    texts = ["春眠不觉晓处处闻啼鸟"]
    gray = columns(texts)
    quad = ((590, 80), (630, 80), (630, 520), (590, 520))
    entry = Entry(
        Place("a.png", 1, 1), result([line(texts[0], quad, vertical=True)], gray.shape), Held(gray)
    )
    for _, text in pages_of(written("pdf", entry)):
        assert "".join(text.get_text_range().split()) == texts[0]


def test_single_characters_and_those_beyond_16_bits_are_kept():
    entry = Entry(
        Place("a.png", 1, 1),
        result([line("%", ((0, 0), (9, 0), (9, 9), (0, 9))),
                line("\U00020bb7野家", ((0, 20), (60, 20), (60, 40), (0, 40)))], (100, 100)),
        Held(blank((100, 100))),
    )  # fmt: skip
    for _, text in pages_of(written("pdf", entry)):
        assert text.get_text_range().split("\r\n") == ["%", "\U00020bb7野家"]


def test_a_page_that_was_not_read_stays_in_the_pdf_as_a_picture(mixed):
    failure = Failure(Place("b.png", 1, 1), ArmFailedError("boom"), Held(blank()))
    texts = [text.get_text_range() for _, text in pages_of(written("pdf", failure, mixed))]
    assert [bool(text) for text in texts] == [False, True]


def test_alto_holds_lines_and_words_with_places(mixed):
    root = ET.fromstring(written("alto", mixed, mixed))
    assert [one.get("PHYSICAL_IMG_NR") for one in root.iter(f"{ALTO}Page")] == ["1", "1"]
    lines = list(root.iter(f"{ALTO}TextLine"))[: len(MIXED)]
    words = [[one.get("CONTENT") for one in found.iter(f"{ALTO}String")] for found in lines]
    assert words == [[MIXED[0]], [MIXED[1]], ["Invoice", "number", "20481"], [MIXED[3]]]
    assert len(list(lines[2].iter(f"{ALTO}SP"))) == 2
    left, top, right, bottom = mixed.read.lines[0].box
    found = {key: int(lines[0].get(key)) for key in ("HPOS", "VPOS", "WIDTH", "HEIGHT")}
    assert found["HPOS"] <= left
    assert found["VPOS"] <= top
    assert found["HPOS"] + found["WIDTH"] >= right
    assert found["VPOS"] + found["HEIGHT"] >= bottom
    names = [one.get("ID") for one in root.iter() if one.get("ID")]
    assert len(set(names)) == len(names)


def test_hocr_holds_the_same(mixed):
    root = ET.fromstring(written("hocr", mixed))
    (found,) = [one for one in root.iter(f"{XHTML}div") if one.get("class") == "ocr_page"]
    assert found.get("title") == 'image "page.png"; bbox 0 0 1000 700; ppageno 0'
    lines = [one for one in root.iter(f"{XHTML}span") if one.get("class") == "ocr_line"]
    assert ["".join(one.itertext()) for one in lines] == list(MIXED)
    assert all(re.match(r"bbox \d+ \d+ \d+ \d+; x_wconf 90", one.get("title")) for one in lines)


@pytest.mark.parametrize("format_", ["alto", "hocr"])
def test_no_text_breaks_xml(format_):
    """Not even what must not stand in XML at all."""
    box = ((0, 0), (90, 0), (90, 20), (0, 20))
    entry = Entry(
        Place('a"<&.png', 1, 1), result([line(ODD, box)], (50, 100)), Held(blank((50, 100)))
    )
    root = ET.fromstring(written(format_, entry))
    words = (
        [one.get("CONTENT") for one in root.iter(f"{ALTO}String")]
        if format_ == "alto"
        else ["".join(root.itertext()).strip()]
    )
    assert "".join(words).replace(" ", "") == ODD.replace(" ", "").replace("\x0b", "")


def test_markdown_has_headings_paragraphs_and_nothing_that_it_would_take_for_its_own():
    def row(y, height):
        return (0, y), (400, y), (400, y + height), (0, y + height)

    entry = Entry(
        Place("a--b.png", 1, 1),
        result(
            [line("Big title", row(0, 60)), line("1. first *star*", row(100, 20), block=1),
             line("goes on", row(130, 20), block=1), line("# no title", row(200, 20), block=2)],
            (300, 500),
        ),
        Held(blank((300, 500))),
    )  # fmt: skip
    assert written("markdown", entry).decode().split("\n\n") == [
        "<!-- a- -b.png -->",
        "## Big title",
        "1\\. first \\*star\\* goes on",
        "\\# no title\n",
    ]


def test_text_has_a_form_feed_between_pages(mixed):
    text = written("text", mixed, mixed).decode()
    assert text.split("\f") == ["\n".join(MIXED) + "\n"] * 2


def test_json_has_an_object_for_failures_too(mixed):
    failure = Failure(Place("b.pdf", 3, 9), ArmFailedError("boom"), None)
    good, bad = map(json.loads, written("json", mixed, failure).decode().splitlines())
    assert (good["file"], good["success"], good["mode"]) == ("page.png", True, "page")
    assert (bad["page"], bad["pages"], bad["error"], bad["owner"]) == (3, 9, "boom", "arm")
    assert set(bad) >= {"file", "success", "text", "confidence", "time_ms", "arm", "bucket"}


@pytest.mark.parametrize("format_", FORMATS)
def test_a_document_without_pages_is_whole(format_):
    """Also where nothing could be read."""
    content = written(format_)
    if format_ in {"alto", "hocr"}:
        ET.fromstring(content)
    elif format_ == "pdf":
        assert content.endswith(b"%%EOF\n")
    elif format_ == "html":
        assert content.endswith(b"</body>\n</html>\n")
    else:
        assert content == b""


def test_hardly_anything_is_kept_of_a_page_that_was_written(mixed):
    """Where its objects begin, and its characters' codes: memory is flat over 100 pages."""

    def kept(count):
        for _ in range(count):
            writer.page(mixed)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    writer = writer_for("pdf", _Nowhere())
    tracemalloc.start()
    seen = [kept(2), *(kept(100) for _ in range(3))]
    tracemalloc.stop()
    # The least of three: threads of other tests in this process allocate as well.
    assert min(after - before for before, after in itertools.pairwise(seen)) < 100 * 1_000


class _Nowhere:
    def write(self, content):
        return len(content)
