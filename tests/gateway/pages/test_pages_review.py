"""The page "Review" in a real browser: samples of a service that has read pictures."""

import time
from pathlib import Path

import pytest
from desk import DIGEST, PLAN, Desk
from playwright.sync_api import expect
from serving_process import Serving
from visitor import admin_token

from ocr_client.reviews.samples import DisagreementSample, Origin
from ocr_rollout.stores import Sample
from ocr_rollout.stores.review_series import read_reviews

pytestmark = [pytest.mark.server, pytest.mark.slow]  # each starts a service

REVIEW = "review: {stable: 1.0, candidate: 1.0, keep_images: true}\n"
WHERE = f"reviews/r1/{DIGEST[:16]}"
SAMPLES = Path(__file__).parents[3] / "samples"
SCAN, RECEIPT = "03_scan.png", "06_photo.png"
WITHIN_S = 60


@pytest.fixture
def desk(tmp_path, triton):
    return Desk(tmp_path, PLAN + REVIEW, triton=triton).started()


@pytest.fixture
def serving(desk):
    with Serving(desk.file) as serving:
        yield serving


def waiting(desk, count):
    """Until so many samples are in the store; they are put there off the response path."""
    end = time.monotonic() + WITHIN_S
    while (found := len(desk.store.samples(0, 2e9, 100, kind="line"))) < count:
        assert time.monotonic() < end, f"{found} of {count} samples after {WITHIN_S} s"
        time.sleep(0.1)


def read(serving, desk, *names):
    """The service reads them and puts them aside for review; what it said, by name."""
    said = {}
    for name in names:
        with (SAMPLES / name).open("rb") as image:
            said[name] = serving.post(files={"image": image}).json()["text"]
    waiting(desk, len(names))
    return said


def reviewing(visitor, serving, **options):
    page = visitor.enters(f"{serving.url}/review", admin_token(), **options)
    page.get_by_label("Your name").fill("Wang Fang")
    page.keyboard.press("Enter")
    return page


def totals(desk):
    found = read_reviews(desk.store, WHERE)
    return found.stable_total, found.candidate_total


def counted(desk):
    """(lines reviewed, of them right) of both arms."""
    both = totals(desk)
    return sum(one.lines for one in both), sum(one.right for one in both)


def test_an_empty_queue_says_where_samples_come_from(visitor, serving):
    page = reviewing(visitor, serving)
    expect(page.locator("#empty")).to_contain_text("Nothing is waiting for you.")
    expect(page.locator("#empty pre")).to_contain_text("keep_images: true")


def test_a_text_is_confirmed_by_enter_without_knowing_whose_it_is(visitor, desk, serving):
    said = read(serving, desk, SCAN)
    page = reviewing(visitor, serving)
    task = page.locator(".task")
    expect(task.locator(".said")).to_have_text(said[SCAN])
    expect(task.get_by_role("img")).to_be_visible()
    assert not any(arm in task.inner_html() for arm in ("convnext", "crnn", "stable", "candidate"))
    expect(task).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#empty")).to_be_visible()
    expect(page.locator("#progress")).to_have_text("1 done in this tab, 0 waiting")
    assert counted(desk) == (1, 1)


def test_a_text_is_corrected_by_keyboard(visitor, desk, serving):
    read(serving, desk, RECEIPT)
    page = reviewing(visitor, serving)
    expect(page.locator(".task")).to_be_focused()
    page.keyboard.press("6")
    page.keyboard.press("e")
    expect(page.get_by_label("As it should be")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("TOTAL RM 48.90 <b>")
    page.keyboard.press("Enter")
    expect(page.locator("#empty")).to_be_visible()
    assert counted(desk) == (1, 0)
    assert list(read_reviews(desk.store, WHERE).kinds) == ["receipt"]
    (sample,) = desk.store.samples(0, 2e9, 10, kind="line")
    assert (sample.review["truth"], sample.review["by"]) == ("TOTAL RM 48.90 <b>", "Wang Fang")


def test_a_sample_is_skipped_and_left_to_others(visitor, desk, serving):
    read(serving, desk, SCAN)
    page = reviewing(visitor, serving)
    expect(page.locator(".task")).to_be_focused()
    page.keyboard.press("s")
    expect(page.locator("#empty")).to_be_visible()
    assert counted(desk) == (0, 0)


def test_of_two_texts_one_is_chosen_by_its_letter_and_html_is_text(visitor, desk, serving):
    texts = {"convnext:2": "<b>合计</b> 12", "crnn:2": "<b>台计</b> 12"}
    document = DisagreementSample(
        Origin("x", WHERE, "r1", 1, 1, 1, 7, None), *sum(texts.items(), ()), 0.1, 1
    ).to_dict()
    now_s = time.time()
    picture = (SAMPLES / SCAN).read_bytes()
    desk.store.put_sample(Sample("p", now_s, now_s + 1e6, document, kind="pair", image=picture))
    page = reviewing(visitor, serving)
    shown = page.locator(".reading .said")
    expect(shown).to_have_count(2)
    assert sorted(shown.all_inner_texts()) == sorted(texts.values())
    expect(page.locator(".reading mark")).to_have_count(2)
    expect(page.locator(".task b")).to_have_count(0)
    right = shown.all_inner_texts().index(texts["crnn:2"])
    page.keyboard.press("Enter")
    expect(page.get_by_label("Neither")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("ab"[right])
    expect(page.locator("#empty")).to_be_visible()
    assert read_reviews(desk.store, WHERE).disputes_total.candidate_only == 1


def test_results_stand_apart_with_their_intervals(visitor, desk, serving):
    read(serving, desk, SCAN, RECEIPT)
    page = reviewing(visitor, serving)
    for done in (1, 2):
        expect(page.locator(".task")).to_be_focused()
        page.keyboard.press("1")
        page.keyboard.press("Enter")
        expect(page.locator("#progress")).to_contain_text(f"{done} done")
    expect(page.locator("#empty")).to_be_visible()
    expect(page.locator("#results-body")).to_be_hidden()
    page.locator("#results summary").click()
    expect(page.locator("#results tbody tr")).to_have_count(4)
    expect(page.locator("#results")).to_contain_text("100%")
    expect(page.locator("#results .interval").first).to_be_visible()


def test_what_is_wrong_on_the_page_read_is_told_to_reviewers(visitor, desk, serving):
    page = visitor.opens(serving.url)
    page.locator("#files").set_input_files(SAMPLES / RECEIPT)
    page.get_by_role("button", name="Wrong?").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("The text as it stands").fill("TOTAL RM\n 48.90 <i>")
    dialog.get_by_role("button", name="Send").click()
    expect(page.locator(".said")).to_have_text("Thank you, noted as wrong.")
    (told,) = desk.store.samples(0, 2e9, 10, kind="feedback")
    assert (told.review["right"], told.review["text"]) == (False, "TOTAL RM 48.90 <i>")
    page.get_by_role("button", name="Right").click()
    expect(page.locator(".said")).to_have_text("Thank you, noted as right.")
    (told,) = desk.store.samples(0, 2e9, 10, kind="feedback")
    assert told.review["right"] is True, "the last word counts"
