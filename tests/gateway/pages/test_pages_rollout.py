"""The page "Rollout" in a real browser: the judge, the store and the service are the real ones.

What clients would count is written into the store as their flushes write it.
"""

import re

import pytest
from desk import PLAN, Desk
from playwright.sync_api import expect
from serving_process import Serving
from visitor import admin_token

from ocr_rollout.core.counts import Counts

pytestmark = [pytest.mark.server, pytest.mark.slow]  # each starts a service

OFTEN = "model_routing: {check_interval_seconds: 0.2}\n"  # that a phase may be left


@pytest.fixture
def desk(tmp_path, triton):
    return Desk(tmp_path, PLAN + OFTEN, triton=triton)


@pytest.fixture
def service(desk):
    with Serving(desk.file) as serving:
        yield serving.url


@pytest.fixture
def token(service):
    return admin_token()


def says(page, status):
    expect(page.locator(".status")).to_have_text(status)


def order(page, name):
    page.locator("#orders").get_by_role("button", name=name).click()
    return page.get_by_role("dialog")


def test_without_a_token_nothing_is_shown_and_a_wrong_one_is_refused(visitor, service, token):
    page = visitor.opens(f"{service}/rollout")
    expect(page.locator("#inside")).to_be_hidden()
    page.get_by_label("Token").fill("x" * 30)
    page.keyboard.press("Enter")
    expect(page.locator("#gate-trouble .headline")).to_have_text("This is not the token.")
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("#all")).to_be_visible()
    assert token not in page.url
    page.reload()
    expect(page.locator("#all")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("#gate")).to_be_visible()


def test_a_rollout_that_was_not_started_says_how_to_start_it(visitor, service, token):
    page = visitor.enters(f"{service}/rollout", token)
    says(page, "Not started")
    expect(page.locator("#standing")).to_contain_text("ocrctl rollout start")
    expect(page.locator(".phases li")).to_have_count(2)
    for button in page.locator("#orders button").all():
        expect(button).to_be_disabled()


def test_a_person_approves_a_gate(visitor, desk, service, token):
    page = visitor.enters(f"{service}/rollout", token)
    desk.started()
    says(page, "Running")
    expect(page.locator("#missing")).to_contain_text("0 of 100 samples")
    desk.watched(2)
    desk.counted("stable", Counts.of("ok", 40.0, 900))
    desk.counted("candidate", Counts.of("ok", 50.0, 200))
    says(page, "Waiting for approval")
    dialog = order(page, "Approve")
    dialog.get_by_role("button", name="Approve").click()
    assert desk.state.phase == 0, "a name and a note are needed"
    dialog.get_by_label("Your name").fill("Li Wei <b>")
    dialog.get_by_label("What you looked at").fill("200 receipts & photos")
    dialog.get_by_role("button", name="Approve").click()
    says(page, "Running")
    expect(page.locator(".share strong")).to_have_text("50%")
    expect(page.locator("[aria-current=step]")).to_contain_text("Phase 2, now")
    first = page.locator("#log tr").first
    expect(first).to_contain_text("Li Wei <b>")
    expect(first).to_contain_text("200 receipts & photos")
    expect(first).to_contain_text("10% → 50%")
    assert (desk.state.phase, desk.history()[-1]["who"]) == (1, "Li Wei <b>")


def test_an_automatic_rollback_arrives_without_a_reload(visitor, desk, service, token):
    desk.started()
    page = visitor.enters(f"{service}/rollout", token)
    says(page, "Running")
    page.evaluate("() => { window.loaded = 'once'; }")
    desk.counted("stable", Counts.of("ok", 40.0, 300))
    desk.counted("candidate", Counts.of("server_error", 40.0, 40))
    says(page, "Rolled back")
    assert desk.state.status == "rolled_back"
    assert page.evaluate("() => window.loaded") == "once"
    expect(page.locator(".share strong")).to_have_text("0%")
    expect(page.locator("#announcements")).to_have_text("Rolled back")
    expect(page.locator("#log tr").first).to_contain_text("judge")
    expect(page.locator("#tombstones")).to_contain_text("crnn:")
    expect(page.locator(".phases .stopped")).to_contain_text("10%")
    expect(page.locator("#orders").get_by_role("button", name="Roll back")).to_be_disabled()


def test_pausing_setting_a_share_and_resuming(visitor, desk, service, token):
    desk.started()
    page = visitor.enters(f"{service}/rollout", token)
    says(page, "Running")
    dialog = order(page, "Set the share")
    dialog.get_by_label("share in per cent").fill("99")
    dialog.get_by_label("Your name").fill("ann")
    dialog.get_by_role("button", name="Set the share").click()
    expect(dialog.locator(".detail")).to_contain_text("by hand it is at most")
    dialog.get_by_label("share in per cent").fill("7.5")
    dialog.get_by_role("button", name="Set the share").click()
    expect(page.locator(".share")).to_contain_text("7.5%")
    expect(page.locator(".share")).to_contain_text("set by hand")
    dialog = order(page, "Pause")
    assert dialog.get_by_label("Your name").input_value() == "ann", "the name is asked for once"
    dialog.get_by_label("Reason").fill("texts on receipts")
    dialog.get_by_role("button", name="Pause").click()
    says(page, "Paused")
    order(page, "Resume").get_by_role("button", name="Resume").click()
    says(page, "Running")
    assert [entry["action"] for entry in desk.history()] == [
        "start",
        "set-weight",
        "pause",
        "resume",
    ]


def test_a_rollback_is_asked_for_twice(visitor, desk, service, token):
    desk.started()
    page = visitor.enters(f"{service}/rollout", token)
    says(page, "Running")
    dialog = order(page, "Roll back")
    dialog.get_by_label("Your name").fill("ann")
    dialog.get_by_label("Reason").fill("wrong amounts")
    dialog.get_by_role("button", name="Roll back").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Sure?")
    assert desk.state.status == "running"
    dialog.get_by_role("button", name="Yes, roll back now").click()
    says(page, "Rolled back")
    assert desk.history()[-1]["why"] == "wrong amounts"


def test_an_approval_of_what_has_moved_on_is_refused(visitor, desk, service, token):
    """The dialog stays with what the person looked at when it was opened."""
    desk.started().waiting()
    page = visitor.enters(f"{service}/rollout", token)
    says(page, "Waiting for approval")
    dialog = order(page, "Approve")
    assert desk.run("pause", "--by", "bo").exit_code == 0
    assert desk.run("resume", "--by", "bo").exit_code == 0
    dialog.get_by_label("Your name").fill("ann")
    dialog.get_by_label("What you looked at").fill("fine")
    dialog.get_by_role("button", name="Approve").click()
    expect(dialog.get_by_role("alert")).to_contain_text("moved on since you looked")
    assert desk.state.phase == 0


def test_both_arms_are_drawn_with_the_limit(visitor, desk, service, token):
    desk.started()
    desk.counted("stable", Counts.of("ok", 40.0, 900))
    desk.counted("candidate", Counts.of("ok", 50.0, 99) + Counts.of("empty", 30.0))
    page = visitor.enters(f"{service}/rollout", token)
    chart = page.locator(".chart").filter(has_text="Share of errors")
    expect(chart.locator("text.limit")).to_have_text("limit 5%")
    expect(chart.locator(".legend")).to_contain_text(re.compile(r"convnext:\d+0%crnn:\d+0%"))
    expect(chart.get_by_role("img", name="Share of errors")).to_be_visible()
    row = page.locator("#arms tr").nth(1)
    expect(row).to_contain_text("1% (1)")
    expect(page.locator(".verdict").first).to_be_visible()


def test_a_service_that_goes_away_is_said_and_found_again(visitor, desk):
    desk.started()
    with Serving(desk.file) as first:
        port = str(first.port)
        page = visitor.enters(f"{first.url}/rollout", admin_token())
        expect(page.locator("#freshness")).to_have_text("live")
    expect(page.locator("#freshness")).to_contain_text("no news since")
    with Serving(desk.file, "--port", port):
        expect(page.locator("#freshness")).to_have_text("live")
        says(page, "Running")


def test_where_no_rollout_is_configured_the_page_says_what_to_do(visitor, triton, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text(f"triton: {{urls: ['{triton.http_url}']}}\n")
    with Serving(config) as serving:
        page = visitor.enters(f"{serving.url}/rollout", admin_token())
        expect(page.locator("#none")).to_contain_text("No rollout is configured.")
        expect(page.locator("#none")).to_contain_text("ocrctl rollout start")
        expect(page.locator("#no-rollout-detail")).to_contain_text("rollout")
        expect(page.locator("#all")).to_be_hidden()
        visitor.shoots(page, "rollout-none-desktop")
