"""Kinds of blocks, and tables, from where lines stand; and how formats write them."""

import csv
import io
import math
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image, ImageDraw
from test_page_formats import Held, written

from ocr_client import Arm
from ocr_client.pages.formats import Entry
from ocr_client.pages.formats.entry import Place
from ocr_client.pages.formats.sheets import guarded
from ocr_client.pages.layout import page_text
from ocr_client.pages.reading import marks_in
from ocr_client.pages.structure import NO_MARKS, PageMarks, arranged
from ocr_client.results import Character, PageResult, ReadLine
from ocr_preprocessing.page import FoundLine, FoundPage

SIZE = (800, 1000)


def put(text, left, top, *, height=20, width=None, block=0):
    """A line of letters that are half as wide as high, or as wide as is said."""
    width = width or len(text) * height // 2
    step = width / len(text)
    characters = tuple(
        Character(one, 0.9, left + n * step, left + (n + 1) * step, top, top + height)
        for n, one in enumerate(text)
    )
    right, bottom = left + width, top + height
    quad = ((left, top), (right, top), (right, bottom), (left, bottom))
    return ReadLine(text, 0.9, characters, quad, False, block)


def rows(*texts, top=100, columns=(50, 400, 500, 600), right=(2, 3), block=0, pitch=32):
    """Lines of a table; texts: of its rows, None where a cell is empty. right: columns so aligned."""
    return [
        put(text, columns[n] + (90 - 10 * len(text) if n in right else 0), top + pitch * row,
            block=block)
        for row, cells in enumerate(texts)
        for n, text in enumerate(cells)
        if text is not None
    ]  # fmt: skip


INVOICE = (
    ("Item", "Qty", "Price", "Amount"),
    ("Green tea", "2", "2.30", "4.60"),
    ("Braised pork with rice", "1", "12.00", "12.00"),
    ("(large)", None, None, None),
    ("Roast chicken", "10", "1.90", "19.00"),
)


def table_of(lines, marks=NO_MARKS, size=SIZE):
    _, blocks = arranged(lines, marks, size)
    return next(block.table for block in blocks if block.table is not None)


def kinds(lines, marks=NO_MARKS):
    return [block.kind for block in arranged(lines, marks, SIZE)[1]]


def turned(lines, degrees, centre=(400, 500)):
    """The same page, turned clockwise."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))

    def moved(point):
        x, y = point[0] - centre[0], point[1] - centre[1]
        return centre[0] + cosine * x - sine * y, centre[1] + sine * x + cosine * y

    return [
        ReadLine(one.text, 0.9, one.characters, tuple(map(moved, one.quad)), False, one.block)
        for one in lines
    ]


@pytest.mark.parametrize("degrees", [0, 4, -12, 90, 180])
def test_columns_in_line_are_a_table_however_the_page_lies(degrees):
    table = table_of(turned(rows(*INVOICE), degrees))
    assert table.grid() == [[text or "" for text in row] for row in INVOICE]
    assert not table.ruled


def test_a_table_is_put_together_from_blocks_and_stands_where_it_begins():
    """As where the finder parted names from amounts; the lines come row by row."""
    lines = [
        put("Shop of Many Things", 50, 64, block=0),
        *(line for line in rows(*INVOICE, block=1) if line.quad[0][0] < 300),
        *(line for line in rows(*INVOICE, block=2) if line.quad[0][0] > 300),
        put("Thank you very much", 50, 400, block=3),
    ]
    ordered, blocks = arranged(lines, NO_MARKS, SIZE)
    assert [block.kind for block in blocks] == ["text", "table", "text"]
    assert [line.text for line in ordered[1:6]] == ["Item", "Qty", "Price", "Amount", "Green tea"]
    assert [line.block for line in ordered] == [0] + [1] * 17 + [2]
    assert blocks[1].table.cells[0].lines == (1,)


def test_a_text_over_two_columns_is_a_cell_that_spans_them():
    lines = [*rows(*INVOICE), put("Total of all without tax", 300, 260), put("35.60", 640, 260)]
    last = [cell for cell in table_of(lines).cells if cell.row == 5]
    assert [(cell.text, cell.column, cell.columns) for cell in last] == [
        ("Total of all without tax", 1, 2),
        ("35.60", 3, 1),
    ]


@pytest.mark.parametrize("words", [3, 6, 20])
def test_running_text_in_two_columns_is_no_table(words):
    text = "running on and on and on to the end"
    lines = [
        put(text, left, 100 + 30 * row, width=330, block=block)
        for block, left in enumerate((50, 420))
        for row in range(words)
    ]
    assert set(kinds(lines)) == {"text"}


def test_labels_with_texts_beside_them_are_no_table():
    """Two columns without a number."""
    pairs = [("Buyer", "A Company"), ("Seller", "Another one"), ("Place", "Somewhere")]
    assert "table" not in kinds(rows(*pairs, right=()))


def drawn(boxes):
    """A page with the frames of a table (H, W), black on white."""
    picture = Image.new("L", SIZE, 255)
    pen = ImageDraw.Draw(picture)
    for box in boxes:
        pen.rectangle(box, outline=0, width=2)
    return np.asarray(picture)


def test_rules_part_cells_and_a_missing_one_joins_them():
    """A head over two columns, a label over two rows, texts that the finder took for one line."""
    gray = drawn(
        [(50, 100, 250, 200), (250, 100, 650, 150), (250, 150, 450, 200), (450, 150, 650, 200),
         (50, 200, 250, 260), (250, 200, 450, 260), (450, 200, 650, 260)]
    )  # fmt: skip
    lines = [
        put("Label", 100, 140), put("Head of both", 380, 115),
        put("Left", 300, 165), put("Right", 500, 165),
        put("one", 70, 205), put("goes on", 70, 232), put("two three", 400, 220, width=100),
    ]  # fmt: skip
    found = FoundPage(
        tuple(FoundLine(one.quad, False, 0, 1.0) for one in lines), 0.0, is_line=False, reason=""
    )
    table = table_of(lines, marks_in(gray, found, lines))
    assert table.ruled
    assert [
        (cell.text, cell.row, cell.column, cell.rows, cell.columns) for cell in table.cells
    ] == [
        ("Label", 0, 0, 2, 1),
        ("Head of both", 0, 1, 1, 2),
        ("Left", 1, 1, 1, 1),
        ("Right", 1, 2, 1, 1),
        ("one goes on", 2, 0, 1, 1),
        ("two t", 2, 1, 1, 1),
        ("hree", 2, 2, 1, 1),
    ]
    assert table.cells[0].box == pytest.approx((50, 100, 250, 200), abs=4)


def page_of_kinds():
    text = "words of a paragraph that goes on and on"
    body = [put(text, 50, 150 + 30 * n, block=2) for n in range(6)]
    items = [put(f"{n}. an item of the list", 50, 400 + 30 * n, block=3) for n in (1, 2)]
    return [
        put("Annual report", 50, 12, block=0),
        put("A Title", 50, 80, height=40, block=1),
        *body,
        *items,
        put("goes on here", 80, 490, block=3),
        put("- 7 -", 380, 970, block=4),
    ]


def test_kinds_follow_from_size_place_and_how_lines_begin():
    marks = PageMarks(figures=((100, 600, 500, 850),))
    _, blocks = arranged(page_of_kinds(), marks, SIZE)
    assert [block.kind for block in blocks] == [
        "header", "title", "text", "list", "figure", "footer",
    ]  # fmt: skip
    assert blocks[3].items == (
        "1. an item of the list",
        "2. an item of the list goes on here",
    )
    assert (blocks[4].lines, blocks[4].text) == ((), "")


@pytest.mark.parametrize(
    ("texts", "is_list"),
    [
        (["• one", "• two", "• three"], True),
        (["一、总则", "二、范围"], True),
        (["（1）总则", "（2）范围"], True),
        (["- one", "- two"], True),
        (["12.50 paid", "3.00 due"], False),  # amounts
        (["1. one", "5. five"], False),  # they do not count
        (["2018 was", "2019 is"], False),
        (["• one", "two"], False),
    ],
)
def test_a_list_begins_with_bullets_or_with_numbers_that_count(texts, is_list):
    lines = [put(text, 50, 100 + 30 * n) for n, text in enumerate(texts)]
    assert ("list" in kinds(lines)) == is_list


def test_a_picture_is_a_figure_and_a_text_is_none():
    gray = np.full((1000, 800), 255, np.uint8)
    gray[500:800, 100:500] = np.random.default_rng(1).integers(20, 160, (300, 400))
    lines = [put("words of a text that are dark", 50, 100 + 30 * n) for n in range(8)]
    for line in lines:
        (left, top), _, (right, bottom), _ = line.quad
        gray[top:bottom, left:right:2] = 0
    found = FoundPage(
        tuple(FoundLine(one.quad, False, 0, 1.0) for one in lines), 0.0, is_line=False, reason=""
    )
    (figure,) = marks_in(gray, found, lines).figures
    assert figure == pytest.approx((100, 500, 500, 800), abs=12)


def entry(lines, marks=NO_MARKS):
    ordered, blocks = arranged(lines, marks, SIZE)
    read = PageResult(
        page_text(ordered), 0.9, (), Arm("crnn", 3), 1, "r", 1, False, False, "forced", None, 1.0,
        "id", *SIZE, "page", "told", "classical", ordered, blocks, 0, 0.0,
    )  # fmt: skip
    return Entry(Place("page.png", 1, 1), read, Held(np.full(SIZE[::-1], 255, np.uint8)))


def test_markdown_has_tables_lists_and_headings():
    text = written("markdown", entry(page_of_kinds())).decode()
    assert "\n\n## A Title\n\n" in text
    assert "\n\n1. an item of the list\n2. an item of the list goes on here\n\n" in text
    table = written("markdown", entry(rows(*INVOICE[:2], ("a|b", "1", "2.00", "3.00")))).decode()
    assert table.split("\n\n")[1] == (
        "| Item | Qty | Price | Amount |\n| --- | --- | --- | --- |\n"
        "| Green tea | 2 | 2.30 | 4.60 |\n| a\\|b | 1 | 2.00 | 3.00 |\n"
    )


@pytest.mark.parametrize(
    ("texts", "items"),
    [
        (("1.Count it", "2. Weigh it", "3.签字"), "1. Count it\n2. Weigh it\n3. 签字"),
        (("1)all", "2) # none"), "1) all\n2) \\# none"),
        (("1、清点", "2、称重"), "- 1、清点\n- 2、称重"),
    ],
)
def test_markdown_counts_items_that_were_read_without_a_space(texts, items):
    lines = [put(text, 50, 100 + 30 * place) for place, text in enumerate(texts)]
    assert items in written("markdown", entry(lines)).decode()


def test_csv_has_the_tables_only_and_nothing_that_a_spreadsheet_computes():
    evil = (*INVOICE[:2], ("=cmd|'/c calc'!A1", "-1", "2.00", "3,000"))
    content = written("csv", entry([put("Shop", 50, 20, block=0), *rows(*evil, block=1)])).decode()
    assert content.startswith("\ufeff")
    found = list(csv.reader(io.StringIO(content[1:], newline="")))
    assert found == [
        list(INVOICE[0]),
        list(INVOICE[1]),
        ["'=cmd|'/c calc'!A1", "-1", "2.00", "3,000"],
    ]


@pytest.mark.parametrize(
    ("text", "safe"),
    [("=1+1", "'=1+1"), ("+86 123", "+86 123"), ("-5.00", "-5.00"), ("-A1", "'-A1"),
     ("@SUM(A1)", "'@SUM(A1)"), ("＝A1", "'＝A1"), ("5%", "5%"), ("", "")],
)  # fmt: skip
def test_what_looks_like_a_formula_is_text_in_csv(text, safe):
    assert guarded(text) == safe


def test_html_is_escaped_and_has_spans():
    lines = [
        *rows(*INVOICE, ("<b>&", "1", "2.00", "3.00")),
        put("Total of all without tax", 300, 292),
        put("35.60", 640, 292),
    ]
    html = written("html", entry(lines)).decode()
    assert "<td>&lt;b&gt;&amp;</td><td>1</td>" in html
    assert '<tr><td></td><td colspan="2">Total of all without tax</td><td>35.60</td></tr>' in html
    assert "<b>" not in html


def test_hocr_and_alto_say_what_a_block_is_where_they_can():
    page = entry(page_of_kinds(), PageMarks(figures=((100, 600, 500, 850),)))
    hocr = ET.fromstring(written("hocr", page))
    classes = [one.get("class") for one in hocr.iter() if "ocr_carea" in one.get("class", "")]
    assert [one.removeprefix("ocr_carea").strip() for one in classes] == [
        "ocr_header", "ocr_title", "", "", "ocr_image", "ocr_footer",
    ]  # fmt: skip
    alto = ET.fromstring(written("alto", page))
    tags = [one.get("TAGREFS") for one in alto.iter() if one.tag.endswith("TextBlock")]
    assert tags == ["kind_header", "kind_title", None, "kind_list", "kind_footer"]
    assert sum(one.tag.endswith("Illustration") for one in alto.iter()) == 1
    table = ET.fromstring(written("alto", entry(rows(*INVOICE))))
    assert [one.get("TYPE") for one in table.iter() if one.tag.endswith("ComposedBlock")] == [
        "table"
    ]


def test_a_menu_beside_a_table_is_no_column_of_it():
    """It is read first, and its lines stand between the table's."""
    menu = [
        put(name, 10, 112 + 32 * n) for n, name in enumerate(("Home", "Goods", "Help", "About"))
    ]
    table = rows(*INVOICE, columns=(250, 500, 580, 680), block=1)
    lines, blocks = arranged((*menu, *table), NO_MARKS, SIZE)
    assert [line.text for line in lines[:4]] == ["Home", "Goods", "Help", "About"]
    (found,) = [block.table for block in blocks if block.table is not None]
    assert [cell.text for cell in found.cells if cell.row == 0] == list(INVOICE[0])


def test_rules_of_which_most_were_not_seen_make_no_table():
    """Two rows of text would be one row of cells, and be read cell by cell."""
    cells = rows(*(("Green tea", "2", "2.30", "4.60"),) * 6)
    ends = (40, 390, 490, 590, 700)
    upright = tuple(((x, 90.0), (x, 300.0)) for x in ends)
    level = tuple(((40.0, y), (700.0, y)) for y in (90.0, 300.0))
    half = PageMarks((*level, ((40.0, 194.0), (700.0, 194.0))), upright)
    table = table_of(cells, half)
    assert not table.ruled
    assert (table.rows, table.columns) == (6, 4)
    every = PageMarks(tuple(((40.0, y), (700.0, y)) for y in range(92, 300, 32)), upright)
    assert table_of(cells, every).ruled
