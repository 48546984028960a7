"""What the page "Read" shows of a document's parts, in a real browser over the real service.

Titles, lists and tables are what they are, and a receipt's fields stand above its text.
"""

import json
import re
import urllib.request

import pytest
from drawn_pages import FIELDS, ITEMS, TABLE, TITLE, receipt, report
from looks import runs_over, too_faint
from PIL import Image
from playwright.sync_api import expect
from test_pages_read import choose, drawn, entry
from visitor import DESKTOP, PHONE

pytestmark = pytest.mark.server

LIT = re.compile(r"\blit\b")
LANGUAGES = {
    "en-GB": {
        "kinds": ("Title", "List", "Table"),
        "fields": ("Date", "Number", "Seller", "Total", "Tax"),
        "list": "Fields of the receipt",
    },
    "zh-CN": {
        "kinds": ("标题", "列表", "表格"),
        "fields": ("日期", "号码", "销售方", "合计", "税额"),
        "list": "票据字段",
    },
}
OTHER = {"en-GB": ("中文", "zh-CN"), "zh-CN": ("English", "en-GB")}


def letters(nodes):
    """The text of each without the numbers below its characters."""
    return nodes.evaluate_all(
        "all => all.map((one) => [...one.querySelectorAll('ruby')]"
        ".map((each) => each.firstChild.data).join(''))"
    )


def read(visitor, service, file, **options):
    """The page, and what it shows of that file once picture and text are both there."""
    page = visitor.opens(service, **options)
    choose(page, file)
    answer = entry(page, file.name)
    expect(answer.locator(".facts")).to_be_visible()
    drawn(answer)
    return page, answer


def blocks_of(service, file):
    """What the service answers of the same picture, without a page."""
    asked = urllib.request.Request(
        f"{service}/ocr", file.read_bytes(), headers={"Content-Type": "image/png"}
    )
    with urllib.request.urlopen(asked) as answer:
        return json.load(answer)["blocks"]


def field(answer, name):
    """(what a person points at, its box in the picture)"""
    names = answer.locator(".fields-read dt").all_inner_texts()
    place = names.index(name)
    return answer.locator(".fields-read dd").nth(place), answer.locator("rect.field").nth(place)


def test_a_report_is_shown_as_its_parts(visitor, service, tmp_path):
    """Letter for letter what the service read, be that right or not."""
    picture = report(tmp_path / "report.png")
    _, answer = read(visitor, service, picture)
    assert letters(answer.get_by_role("heading", level=3)) == [TITLE]
    items = answer.locator("[data-kind=list]").get_by_role("listitem")
    (listed,) = [block for block in blocks_of(service, picture) if block["kind"] == "list"]
    assert letters(items) == listed["items"]
    told = [text.replace(" ", "").casefold() for text in listed["items"]]
    wanted = [f"{n}.{text}".replace(" ", "").casefold() for n, text in enumerate(ITEMS, 1)]
    assert told == wanted
    kinds = answer.locator("section.block").evaluate_all(
        "all => all.map((one) => one.dataset.kind)"
    )
    assert kinds == ["title", "text", "list", "table"]
    expect(answer.locator(".fields-read")).to_have_count(0)


def test_a_table_has_its_rows_and_cells(visitor, service, tmp_path):
    """Also to those who do not see it, and each below the one above it."""
    _, answer = read(visitor, service, report(tmp_path / "report.png"))
    rows = answer.get_by_role("table").get_by_role("row")
    expect(rows).to_have_count(len(TABLE))
    for row, texts in zip(rows.all(), TABLE, strict=True):
        assert letters(row.get_by_role("cell")) == list(texts)
    lefts = [
        [cell.bounding_box()["x"] for cell in row.get_by_role("cell").all()] for row in rows.all()
    ]
    assert lefts == [sorted(lefts[0])] * len(TABLE)
    tops = [row.bounding_box()["y"] for row in rows.all()]
    assert tops == sorted(set(tops))
    expect(answer.locator(".picture rect.block.table")).to_have_count(1)


def test_a_character_of_a_cell_lights_up_in_the_picture(visitor, service, tmp_path):
    page, answer = read(visitor, service, report(tmp_path / "report.png"))
    answer.get_by_role("cell").filter(has=page.locator("ruby")).nth(5).locator("ruby").first.hover()
    lit = answer.locator(".mark.lit")
    expect(lit).to_have_count(1)
    picture = answer.locator(".picture img").bounding_box()
    across = (lit.bounding_box()["x"] - picture["x"]) / picture["width"]
    assert 0.6 < across < 0.63, "the 4 of 45.90, in the last column of the second row"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_fields_of_a_receipt_stand_above_its_text(visitor, service, tmp_path, language):
    words = LANGUAGES[language]
    page, answer = read(visitor, service, receipt(tmp_path / "receipt.png"), language=language)
    fields = answer.locator(".fields-read")
    expect(fields).to_have_attribute("aria-label", words["list"])
    expect(fields.locator("dt")).to_have_text(list(words["fields"]))
    values = dict(zip(words["fields"], fields.locator("dd").all_inner_texts(), strict=True))
    for name, value in zip(("date", "number", "total", "tax"), (0, 1, 3, 4), strict=True):
        assert values[words["fields"][value]] == FIELDS[name]
    above, below = fields.bounding_box(), answer.locator(".text").bounding_box()
    assert above["y"] + above["height"] <= below["y"]
    name, other = OTHER[language]
    page.get_by_role("button", name=name).click()
    expect(fields.locator("dt")).to_have_text(list(LANGUAGES[other]["fields"]))


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_part_says_what_it_is(visitor, service, tmp_path, language):
    page, answer = read(visitor, service, report(tmp_path / "report.png"), language=language)
    expect(answer.locator(".kind")).to_have_text(list(LANGUAGES[language]["kinds"]))
    name, other = OTHER[language]
    page.get_by_role("button", name=name).click()
    expect(answer.locator(".kind")).to_have_text(list(LANGUAGES[other]["kinds"]))
    assert letters(answer.get_by_role("heading", level=3)) == [TITLE]


def test_pointing_at_a_field_lights_it_up_where_it_stands(visitor, service, tmp_path):
    page, answer = read(visitor, service, receipt(tmp_path / "receipt.png"))
    total, box = field(answer, "Total")
    expect(answer.locator(".lit")).to_have_count(0)
    total.hover()
    expect(box).to_have_class(LIT)
    picture, place = answer.locator(".picture img").bounding_box(), box.bounding_box()
    across = (place["x"] + place["width"] / 2 - picture["x"]) / picture["width"]
    down = (place["y"] + place["height"] / 2 - picture["y"]) / picture["height"]
    assert abs(across - 473 / 600) < 0.02
    assert abs(down - 652 / 900) < 0.02
    page.locator("h1").hover()
    expect(answer.locator(".lit")).to_have_count(0)


def test_the_keyboard_lights_fields_up_too(visitor, service, tmp_path):
    """And they stay lit while either the pointer or the focus is there."""
    page, answer = read(visitor, service, receipt(tmp_path / "receipt.png"))
    answer.locator("summary").focus()
    for name in ("Date", "Number", "Seller", "Total"):
        page.keyboard.press("Tab")
        value, box = field(answer, name)
        expect(value).to_be_focused()
        expect(box).to_have_class(LIT)
        expect(answer.locator("rect.lit")).to_have_count(1)
    total, box = field(answer, "Total")
    total.hover()
    page.locator("h1").hover()
    expect(box).to_have_class(LIT)
    page.keyboard.press("Shift+Tab")
    expect(box).not_to_have_class(LIT)
    expect(field(answer, "Seller")[1]).to_have_class(LIT)


def test_the_text_of_a_report_is_copied_as_the_service_gave_it(visitor, service, tmp_path):
    file = report(tmp_path / "report.png")
    page = visitor.opens(service, permissions=["clipboard-read", "clipboard-write"])
    with page.expect_response("**/ocr") as told:
        choose(page, file)
    answer = entry(page, file.name)
    expect(answer.locator(".facts")).to_be_visible()
    drawn(answer)
    answer.get_by_role("button", name="Copy").click()
    expect(page.locator("#announcements")).to_have_text("Copied")
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied == told.value.json()["text"]
    assert copied.startswith(f"{TITLE}\n")
    assert copied.splitlines()[-len(TABLE) :] == [" ".join(cells) for cells in TABLE]


def test_what_was_kept_in_the_tab_has_its_parts_after_a_reload(visitor, service, tmp_path):
    page, answer = read(visitor, service, receipt(tmp_path / "receipt.png"))
    page.reload()
    total, box = field(answer, "Total")
    expect(total).to_have_text(FIELDS["total"])
    total.hover()
    expect(box).to_have_class(LIT)


@pytest.mark.parametrize(("size", "name"), [(DESKTOP, "desktop"), (PHONE, "phone")])
def test_nothing_of_it_runs_over_the_side_or_is_too_faint(visitor, service, tmp_path, size, name):
    page = visitor.opens(service, size=size, scheme="dark" if size is PHONE else "light")
    choose(page, report(tmp_path / "report.png"), receipt(tmp_path / "receipt.png"))
    for shown in ("report.png", "receipt.png"):
        expect(entry(page, shown).locator(".facts")).to_be_visible()
        drawn(entry(page, shown))
    field(entry(page, "receipt.png"), "Total")[0].hover()
    visitor.shoots(page, f"read-parts-{name}")
    assert not runs_over(page)
    assert not too_faint(page)


def test_a_page_without_text_says_why(visitor, service, tmp_path):
    blank = tmp_path / "blank.png"
    Image.new("L", (600, 800), 255).save(blank)
    page = visitor.opens(service)
    choose(page, blank)
    answer = entry(page, blank.name)
    expect(answer.locator(".nothing")).to_be_visible()
    expect(answer.locator(".words .hint")).to_have_text("no text found: the page is blank")
