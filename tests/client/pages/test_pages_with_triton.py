"""Whole pages against the real embedded Triton, through the client and through `ocrctl recognize`."""

import json
import subprocess
import sys

import numpy as np
import pypdfium2
import pytest
from made_pages import CHINESE, ENGLISH, LOCKED, blank, columns, page, pdf, tiff, written
from PIL import Image

from ocr_client import ClientConfig, OCRClient
from ocr_client.config import ModelRouting, TritonSettings
from ocr_client.pages.turns import turned
from ocr_client.settings import CANDIDATE
from ocr_preprocessing.page import FoundLine, FoundPage
from ocr_rollout.core.texts import edit_distance

pytestmark = pytest.mark.server

OCRCTL = [sys.executable, "-m", "ocr_client.cli"]
POEM = ("春眠不觉晓", "处处闻啼鸟", "夜来风雨声", "花落知多少")


@pytest.fixture
def reader(triton):
    config = ClientConfig(
        ModelRouting(candidate_weight_bp=10_000), TritonSettings(urls=(triton.http_url,))
    )
    with OCRClient(config) as client:
        yield client


@pytest.fixture
def recognize(triton, tmp_path):
    def run(*arguments, **options):
        return subprocess.run(
            [*OCRCTL, "recognize", *map(str, arguments), "--url", triton.http_url],
            capture_output=True,
            check=False,
            timeout=120,
            cwd=tmp_path,
            **options,
        )

    return run


def distance(text, truth):
    """Edits for each character, without white space."""
    one, other = "".join(text.split()), "".join("".join(truth).split())
    return edit_distance(one, other) / len(other)


def test_a_page_is_read_in_its_order_with_spaces_between_words(reader):
    result = reader.recognize_page(page())
    assert distance(result.text, ENGLISH) <= 0.02
    assert result.lines[1].text.count(" ") == ENGLISH[1].count(" ")
    assert (result.arm, result.turned, result.mode) == (CANDIDATE, 0, "page")


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_page_on_its_side_or_its_head_is_turned_and_its_places_are_the_picture_s(reader, turn):
    upright = reader.recognize_page(page())
    gray = turned(page(), (360 - turn) % 360)
    result = reader.recognize_page(gray)
    assert result.turned == turn
    assert distance(result.text, ENGLISH) <= 0.02
    for one, other in zip(result.lines, upright.lines, strict=True):
        left, top, right, bottom = one.box
        ink = gray[int(top) : int(bottom) + 1, int(left) : int(right) + 1]
        assert (ink < 128).sum() > 100
        assert abs((right - left) * (bottom - top) / area(other.box) - 1) < 0.2


def area(box):
    left, top, right, bottom = box
    return (right - left) * (bottom - top)


def test_lines_of_all_widths_are_read_as_one_by_one(reader):
    """A batch changes no text."""
    texts = [("goods " * n).strip() for n in range(1, 9)]
    gray = page(texts, size=(1_100, 760))
    together = reader.recognize_page(gray)
    alone = [
        reader.recognize(gray[int(top) : int(bottom), int(left) : int(right)], arm=CANDIDATE).text
        for left, top, right, bottom in (line.box for line in together.lines)
    ]
    assert distance(together.text, alone) <= 0.02


@pytest.mark.parametrize("format_", ["text", "pdf"])
def test_a_document_for_each_input_goes_into_a_folder(recognize, tmp_path, format_):
    Image.fromarray(page()).save(tmp_path / "page.png")
    run = recognize("page.png", "--format", format_, "--out", "out/")
    assert (run.returncode, run.stderr) == (0, b"")
    (path,) = (tmp_path / "out").iterdir()
    if format_ == "pdf":
        document = pypdfium2.PdfDocument(path)
        content = document[0].get_textpage().get_text_range()
        document.close()
    else:
        content = path.read_text("utf-8")
    for word in ("Delivery", "invoice", "thirty", "order"):
        assert word in content
    assert path.stat().st_mode & 0o444 == 0o444


def test_by_default_it_says_what_it_took_each_image_for(recognize, tmp_path):
    Image.fromarray(page()).save(tmp_path / "page.png")
    Image.fromarray(page(["Total 45.90"], size=(420, 190))[70:130]).save(tmp_path / "line.png")
    Image.fromarray(blank()).save(tmp_path / "blank.png")
    run = recognize("page.png", "line.png", "blank.png")
    shown = run.stdout.decode()
    assert (run.returncode, run.stderr) == (0, b"")
    assert "page.png: page, 4 lines, confidence" in shown
    assert "blank.png: no text (no text found: the page is blank)" in shown
    (row,) = [one for one in shown.splitlines() if "line.png" in one]
    assert "Total 45.90" in row
    assert " line " in row
    forced = json.loads(recognize("page.png", "--line", "--json").stdout)
    assert (forced["mode"], forced["mode_reason"]) == ("line", "asked for as one line")


def test_pages_of_pdfs_tiffs_and_stdin(recognize, tmp_path):
    """Each its own object, with its number; a text layer only where it is asked for."""
    content = pdf(written("Total due now"), written("Second page here"), written("Third"))
    (tmp_path / "a.pdf").write_bytes(content)
    tiff([page(), page(ENGLISH[::-1])], tmp_path / "b.tif")
    run = recognize("a.pdf", "b.tif", "--pages", "1-2", "--json")
    found = [json.loads(one) for one in run.stdout.splitlines()]
    assert [(one["file"], one["page"], one["pages"]) for one in found] == [
        ("a.pdf", 1, 3),
        ("a.pdf", 2, 3),
        ("b.tif", 1, 2),
        ("b.tif", 2, 2),
    ]
    assert distance(found[0]["text"], "Total due now") < 0.2
    assert distance(found[3]["text"], ENGLISH[::-1]) <= 0.02
    run = recognize("-", "--text-layer", "--json", input=content)
    layers = [json.loads(one) for one in run.stdout.splitlines()]
    assert [one["text"] for one in layers] == ["Total due now", "Second page here", "Third"]
    assert {one["arm"] for one in layers} == {None}


def test_bad_ones_are_told_in_one_line_each_and_stop_nothing(recognize, tmp_path):
    (tmp_path / "locked.pdf").write_bytes(pdf(written("a"), extra=LOCKED))
    (tmp_path / "none.pdf").write_bytes(pdf())
    Image.fromarray(page()).save(tmp_path / "page.png")
    run = recognize(
        "locked.pdf",
        "none.pdf",
        "http://127.0.0.1:9/a.png",
        "x*.png",
        "page.png",
        "--format",
        "text",
    )
    assert run.returncode == 1
    assert distance(run.stdout.decode(), ENGLISH) <= 0.02
    lines = run.stderr.decode().splitlines()
    assert len(lines) == 4
    for line, words in zip(
        lines,
        ["needs a password", "has no pages", "--allow-private", "no file matches"],
        strict=True,
    ):
        assert line.startswith("ocrctl: ")
        assert words in line


def test_pictures_of_what_was_read(recognize, tmp_path):
    """With a font that has Chinese; without one, a list of the texts beside it."""
    Image.fromarray(page(("合计金额二百元", "请在三十天内付款"), font=CHINESE)).save(
        tmp_path / "page.png"
    )
    run = recognize("page.png", "--visualize", "seen", "--font", CHINESE)
    assert (run.returncode, run.stderr) == (0, b"")
    picture = Image.open(tmp_path / "seen" / "page.jpg").convert("RGB")
    assert picture.size == (2_000, 700)
    left, right = (picture.crop((x, 0, x + 1_000, 700)) for x in (0, 1_000))
    colours = np.asarray(left).astype(int)
    assert (colours[..., 2] > colours[..., 0] + 60).any()  # boxes
    assert (np.asarray(right.convert("L")) < 100).sum() > 500  # texts
    assert not (tmp_path / "seen" / "page.txt").exists()


def test_vertical_text_is_found_and_read_column_by_column(reader):
    result = reader.recognize_page(columns(POEM))
    assert all(line.vertical for line in result.lines)
    assert distance(result.text, POEM) <= 0.05


def test_columns_are_read_downwards_and_their_latin_on_its_side(reader, monkeypatch):
    """Whichever way of reading a column is the surer one is taken."""
    gray = columns(POEM).copy()
    side = turned(page(["Delivery note"], size=(360, 190))[70:130], 90)  # lies on its right side
    gray[80 : 80 + side.shape[0], 60 : 60 + side.shape[1]] = side
    boxes = [(700 - 115 - 70 * n, 76, 700 - 65 - 70 * n, 304) for n in range(len(POEM))]
    boxes.append((60, 80, 60 + side.shape[1], 80 + side.shape[0]))
    lines = tuple(
        FoundLine(((x, y), (right, y), (right, down), (x, down)), True, number, 1.0)
        for number, (x, y, right, down) in enumerate(boxes)
    )
    monkeypatch.setattr(
        "ocr_client.pages.finder.find_lines", lambda _: FoundPage(lines, 0.0, False, "")
    )
    result = reader.recognize_page(gray)
    assert result.turned == 0
    assert distance(result.text, [*POEM, "Delivery note"]) <= 0.1
    assert distance(result.lines[-1].text, "Delivery note") <= 0.1
    assert " " in result.lines[-1].text
    tops = [character.top for character in result.lines[0].characters]
    assert tops == sorted(tops)
    assert tops[-1] > 200
