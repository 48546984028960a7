"""The page "Read" in a real browser, over the real service and Triton."""

import base64
import functools
import json
import re
import time
from pathlib import Path

import httpx
import pytest
from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import expect
from visitor import PHONE

ROOT = Path(__file__).parents[3]
SAMPLES = ROOT / "samples"
SCAN, RECEIPT = "03_scan.png", "06_photo.png"

pytestmark = pytest.mark.server


def sample(name):
    return str(SAMPLES / name)


@functools.cache
def asked(service, name):
    """What the service itself says; the same image gets the same arm each time."""
    with (SAMPLES / name).open("rb") as image:
        return httpx.post(f"{service}/ocr", files={"image": image}, timeout=60).json()


def entry(page, name):
    return page.locator(".entry").filter(has=page.locator("summary", has_text=name))


def text_of(answer):
    """The text alone, without the numbers below it."""
    return "".join(
        answer.locator(".text").evaluate(
            "node => [...node.querySelectorAll('ruby')].map(r => r.firstChild.data)"
        )
    )


def drawn(answer):
    """Waits for the picture, which may come after the text, and is kept when it has come."""
    expect(answer.locator(".picture img")).to_be_visible()


def choose(page, *files):
    page.locator("#files").set_input_files(list(files))


def send(page, event, path):
    """As if the person at the browser had pasted or dropped that file."""
    content = base64.b64encode(Path(path).read_bytes()).decode()
    page.evaluate(
        """([event, name, content]) => {
            const bytes = Uint8Array.from(atob(content), (one) => one.charCodeAt(0));
            const carried = new DataTransfer();
            carried.items.add(new File([bytes], name, { type: 'image/png' }));
            const options = { bubbles: true, cancelable: true };
            document.body.dispatchEvent(event === 'paste'
                ? new ClipboardEvent('paste', { ...options, clipboardData: carried })
                : new DragEvent(event, { ...options, dataTransfer: carried }));
        }""",
        [event, Path(path).name, content],
    )


def test_an_image_is_chosen_and_read(visitor, service):
    page = visitor.opens(service)
    choose(page, sample(SCAN))
    answer = entry(page, SCAN)
    expect(answer.locator(".text")).to_be_visible()
    assert text_of(answer) == asked(service, SCAN)["text"]
    arm = asked(service, SCAN)["arm"]
    expect(answer.locator(".arm")).to_have_text(f"{arm['model']}:{arm['version']}")
    expect(answer.locator(".about")).to_contain_text(re.compile(r"\d% sure"))
    expect(answer.locator(".why")).to_contain_text("stable answered")
    expect(page.locator("#announcements")).to_contain_text(asked(service, SCAN)["text"])


def test_every_character_is_marked_in_the_picture_where_it_stands(visitor, service):
    page = visitor.opens(service)
    choose(page, sample(SCAN))
    answer = entry(page, SCAN)
    expect(answer.locator(".picture .mark")).to_have_count(
        len(asked(service, SCAN)["lines"][0]["characters"])
    )
    places = answer.locator(".picture .mark").evaluate_all(
        "all => all.map((one) => one.getBoundingClientRect().x)"
    )
    picture = answer.locator(".picture img").bounding_box()
    assert places == sorted(places)
    assert picture["x"] <= places[0] < picture["x"] + 0.15 * picture["width"]
    answer.locator("ruby").nth(2).hover()
    expect(answer.locator(".mark").nth(2)).to_have_class(re.compile(r"\blit\b"))


def test_the_shade_of_a_character_is_told_in_numbers_too(visitor, service):
    page = visitor.opens(service)
    choose(page, sample(SCAN))
    answer = entry(page, SCAN)
    expect(answer.locator("ruby").first).to_have_attribute(
        "title", re.compile(r"^第: [\d.]+% sure$")
    )
    numbers = answer.locator("rt")
    assert not numbers.first.is_visible()
    page.get_by_label("Show every number").check()
    expect(numbers.first).to_be_visible()


def test_a_page_is_shown_with_a_box_around_each_line(visitor, service, tmp_path):
    """Where the text stands in the picture, also when that lies on its side."""
    texts = ["Delivery note 20481", "Paper, A4, 80 g", "Total due 45.90", "Thank you"]
    picture = Image.new("L", (700, 460), 255)
    font = ImageFont.truetype("DejaVuSans.ttf", 34)
    for row, text in enumerate(texts):
        ImageDraw.Draw(picture).text((60, 70 + 80 * row), text, font=font, fill=0)
    picture.save(tmp_path / "upright.png")
    picture.rotate(-90, expand=True).save(tmp_path / "aside.png")
    page = visitor.opens(service)
    choose(page, tmp_path / "upright.png", tmp_path / "aside.png")
    expect(page.locator(".facts")).to_have_count(2)
    for name, told in (("upright.png", ""), ("aside.png", "turned by 270°")):
        answer = entry(page, name)
        expect(answer.locator(".facts")).to_contain_text("Page, lines of text: 4")
        expect(answer.locator(".facts")).to_contain_text(told)
        expect(answer.locator(".picture polygon.line")).to_have_count(4)
        image = answer.locator(".picture img").bounding_box()
        places = [
            (each["x"] - image["x"], each["y"] - image["y"])
            for each in (one.bounding_box() for one in answer.locator("polygon.line").all())
        ]
        along = [place[0 if told else 1] for place in places]
        assert along == sorted(along, reverse=bool(told))
        assert all(x >= 0 and y >= 0 for x, y in places)
        assert answer.locator(".text li").count() == 4
    visitor.shoots(page, "read-page")
    marks = entry(page, "aside.png").locator(".picture g").first.locator(".mark").all()
    tops = [one.bounding_box()["y"] for one in marks]
    assert tops == sorted(tops)


def test_what_the_images_are_may_be_said(visitor, service):
    page = visitor.opens(service)
    page.get_by_text("User id and model").click()
    page.get_by_label("What the images are").select_option("A page")
    choose(page, sample(SCAN))
    expect(entry(page, SCAN).locator(".facts")).to_contain_text("Page, lines of text")


def test_several_images_are_read_at_once_and_keep_their_order(visitor, service):
    page = visitor.opens(service)
    names = [SCAN, RECEIPT, "04_scan.png", "09_sign.png"]
    choose(page, *map(sample, names))
    expect(page.locator(".facts")).to_have_count(4)
    assert page.locator(".entry summary .name").all_inner_texts() == names
    for name in names:
        assert text_of(entry(page, name)) == asked(service, name)["text"]


@pytest.mark.parametrize("event", ["paste", "drop"])
def test_an_image_may_be_pasted_or_dropped(visitor, service, event):
    page = visitor.opens(service)
    if event == "drop":
        send(page, "dragover", sample(RECEIPT))
        expect(page.locator("#drop")).to_be_visible()
    send(page, event, sample(RECEIPT))
    expect(page.locator(".facts")).to_have_count(1)
    assert text_of(entry(page, RECEIPT)) == asked(service, RECEIPT)["text"]
    expect(page.locator("#drop")).to_be_hidden()


def test_a_phone_may_photograph(visitor, service):
    page = visitor.opens(service, size=PHONE, has_touch=True, is_mobile=True)
    camera = page.get_by_label("Take a photo")
    expect(camera).to_have_attribute("capture", "environment")
    camera.set_input_files(sample(RECEIPT))
    expect(page.locator(".facts")).to_have_count(1)


def test_a_named_model_answers_and_says_that_it_was_asked_for(visitor, service):
    page = visitor.opens(service)
    page.get_by_text("User id and model").click()
    page.get_by_label("Model to ask").fill("crnn:2")
    choose(page, sample(RECEIPT))
    answer = entry(page, RECEIPT)
    expect(answer.locator(".arm")).to_have_text("crnn:2")
    expect(answer.locator(".why")).to_contain_text("This model was asked for")


def test_what_is_no_image_gets_the_services_own_reason(visitor, service, tmp_path):
    page = visitor.opens(service)
    note = tmp_path / "note.png"
    note.write_text("no picture")
    with page.expect_response("**/ocr") as told:
        choose(page, note)
    answer = entry(page, "note.png")
    expect(answer.locator(".notice .detail")).to_have_text(told.value.json()["detail"])
    expect(answer.locator(".headline")).to_have_text("The service refused it.")
    answer.get_by_role("button", name="Remove").click()
    expect(page.locator("#empty")).to_be_visible()


def test_a_service_that_is_away_is_said_and_asked_again(visitor, service):
    page = visitor.opens(service)
    page.context.set_offline(True)
    choose(page, sample(RECEIPT))
    expect(entry(page, RECEIPT).locator(".headline")).to_contain_text("does not answer")
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".facts")).to_have_count(1)


def test_html_in_a_text_a_name_or_a_user_id_is_text(visitor, service, tmp_path):
    """The text is put where the page keeps texts, for no model reads every sign surely."""
    evil = "<img src=x onerror=\"document.title='taken'\"><b>bold</b>"
    named = tmp_path / "<b>a'b\"&amp;.png"
    named.write_bytes(Path(sample(RECEIPT)).read_bytes())
    page = visitor.opens(service)
    page.get_by_text("User id and model").click()
    page.get_by_label("User id").fill(evil)
    choose(page, named)
    drawn(page.locator(".entry"))  # nothing else is kept after that
    expect(page.locator("summary .name")).to_have_text(named.name)
    page.evaluate(
        """(evil) => {
            const kept = JSON.parse(sessionStorage.getItem('ocr.read.1'));
            Object.assign(kept[0].answer, { text: evil, fault: evil, reason: 'fell_back' });
            const characters = [{ text: evil, confidence: 0.4, x: [0, 9] }];
            kept[0].answer.lines = [{ text: evil, characters, box: [0, 0, 9, 9] }];
            sessionStorage.setItem('ocr.read.1', JSON.stringify(kept));
        }""",
        evil,
    )
    page.reload()
    assert text_of(page.locator(".entry")) == evil
    expect(page.locator(".fault")).to_have_text(evil)
    expect(page.locator("b")).to_have_count(0)
    assert page.title() == "Read · OCR rollout"


def test_a_drawn_text_of_html_signs_is_shown_as_it_was_read(visitor, service, tmp_path):
    picture = Image.new("L", (330, 60), 255)
    font = ImageFont.truetype("DejaVuSans.ttf", 36)
    ImageDraw.Draw(picture).text((20, 8), "<b>12</b>", font=font, fill=0)
    picture.save(tmp_path / "html.png")
    page = visitor.opens(service)
    with page.expect_response("**/ocr") as told:
        choose(page, tmp_path / "html.png")
    answer = entry(page, "html.png")
    expect(answer.locator(".text")).to_be_visible()
    assert text_of(answer) == told.value.json()["text"]
    expect(page.locator("b")).to_have_count(0)


def test_the_history_stays_in_the_tab_and_is_forgotten_when_asked(visitor, service):
    page = visitor.opens(service)
    choose(page, sample(SCAN), sample(RECEIPT))
    for name in (SCAN, RECEIPT):
        drawn(entry(page, name))
    page.reload()
    expect(page.locator(".entry")).to_have_count(2)
    assert text_of(entry(page, SCAN)) == asked(service, SCAN)["text"]
    expect(entry(page, SCAN).locator(".picture .mark")).to_have_count(
        len(asked(service, SCAN)["lines"][0]["characters"])
    )
    page.get_by_role("button", name="Forget all").click()
    page.reload()
    expect(page.locator("#empty")).to_be_visible()


def test_the_history_is_bounded(visitor, service):
    page = visitor.opens(service)
    choose(page, sample(RECEIPT))
    drawn(entry(page, RECEIPT))
    page.evaluate(
        """() => {
            const [one] = JSON.parse(sessionStorage.getItem('ocr.read.1'));
            const many = Array.from({ length: 30 }, (_, k) =>
                ({ ...one, id: `${k}`, at: k, preview: 'x'.repeat(99_000) }));
            sessionStorage.setItem('ocr.read.1', JSON.stringify(many));
        }"""
    )
    choose(page, sample(SCAN))
    expect(page.locator(".facts")).to_have_count(2)
    kept = page.evaluate("() => sessionStorage.getItem('ocr.read.1')")
    assert len(kept) <= 3_000_000
    assert json.loads(kept)[0]["name"] == SCAN, "the newest is kept"
    assert len(json.loads(kept)) > 20


def test_the_text_is_copied(visitor, service):
    page = visitor.opens(service, permissions=["clipboard-read", "clipboard-write"])
    choose(page, sample(SCAN))
    drawn(entry(page, SCAN))
    page.clock.install()
    page.clock.pause_at(time.time() + 600)  # for the button says so for two seconds only
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("() => navigator.clipboard.readText()") == asked(service, SCAN)["text"]


def test_the_keyboard_is_enough(visitor, service):
    page = visitor.opens(service)
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#files")).to_be_focused()
    page.get_by_role("button", name="Read a sample").press("Enter")
    expect(page.locator(".facts")).to_have_count(1)
    summary = page.locator(".entry summary")
    summary.press("Enter")
    expect(page.locator(".facts")).to_be_hidden()
    summary.press("Enter")
    page.get_by_role("button", name="Remove").press("Enter")
    expect(page.locator("#files")).to_be_focused()
