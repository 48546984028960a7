"""The report in Chromium, at a desk, on a phone and on paper: pictures for people to look at.

They land in build/screenshots/.
"""

import time

import pytest
from chromium import new_browser
from gate import ROOT, Gate
from looks import runs_over, too_faint

from ocr_rollout.core.counts import Counts

pytestmark = pytest.mark.slow

SHOTS = ROOT / "build/screenshots"
SIZES = {"desktop": (1280, 800), "phone": (360, 740), "paper": (718, 1000)}  # A4 less its margins
# Places of a drawing's texts that lie outside of it, by 2 pixels and more.
CUT_OFF = """() => [...document.querySelectorAll('figure svg')].flatMap((svg) => {
    const frame = svg.getBoundingClientRect();
    return [...svg.querySelectorAll('text')].filter((text) => {
        const place = text.getBoundingClientRect();
        return place.left < frame.left - 2 || place.right > frame.right + 2
            || place.top < frame.top - 2 || place.bottom > frame.bottom + 2;
    }).map((text) => text.textContent);
})"""


@pytest.fixture(scope="module")
def browser():
    with new_browser() as browser:
        yield browser


@pytest.fixture
def shows(browser, tmp_path):
    """Opens a gate's report and takes its picture; whatever the page complains about fails."""

    def show(gate, name, size="desktop", *words):
        out = tmp_path / name
        run = gate.run("report", "--out", out, *words)
        assert run.exit_code == 0, run.stderr
        width, height = SIZES[size]
        complaints = []
        context = browser.new_context(viewport={"width": width, "height": height}, offline=True)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.emulate_media(media="print" if size == "paper" else "screen")
        page.goto((out / "report.html").as_uri())
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SHOTS / f"report-{name}-{size}.png", full_page=True)
        assert not complaints
        return page

    yield show
    for context in browser.contexts:
        context.close()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("size", SIZES)
def test_a_gate_with_everything(shows, full_gate, ab_folder, size, language):
    page = shows(full_gate, language, size, "--lang", language, "--ab", str(ab_folder))
    assert not runs_over(page)
    assert too_faint(page) == []
    assert page.evaluate(CUT_OFF) == []
    assert page.locator("figure svg").count() == 7
    broken = "() => [...document.images].filter((one) => !one.naturalWidth).length"
    assert page.evaluate(broken) == 0


def test_the_answer_stands_on_the_first_screen(shows, full_gate, ab_folder):
    """With what speaks against it, above the fold of a laptop."""
    page = shows(full_gate, "first", "desktop", "--ab", str(ab_folder))
    for words in (".recommended", ".side.bad h2", ".side.warn h2"):
        place = page.locator(words).bounding_box()
        assert place["y"] + place["height"] < SIZES["desktop"][1]
    answer, sides = (page.locator(words).bounding_box() for words in (".answer", ".sides"))
    frame = {"x": answer["x"] - 8, "y": answer["y"] - 8, "width": answer["width"] + 16}
    frame["height"] = sides["y"] + sides["height"] + 16 - answer["y"]
    page.screenshot(path=SHOTS / "report-first.png", clip=frame)


def test_a_gate_at_which_nothing_is_known(shows, tmp_path):
    page = shows(Gate(tmp_path).started(), "nothing")
    assert page.locator(".recommended").inner_text() == "Do not go on yet"
    assert page.locator("li.blocks").count() >= 4
    assert too_faint(page) == []


def test_a_candidate_that_is_to_be_taken_back(shows, tmp_path):
    gate = Gate(tmp_path).begun().hour(errors=0.02, slower=1.9)
    gate.lines("stable", 90, 10)
    gate.lines("candidate", 60, 40)
    gate.counted("candidate", Counts.of("server_error", 0.0, 150), time.time() - 5)
    page = shows(gate, "back")
    assert page.locator(".recommended").inner_text() == "Take the candidate back"
    assert "rollback" in page.locator(".orders dd").first.inner_text()
    assert too_faint(page) == []
