"""Every page with all that it can show: pictures for people to look at, and what can be measured.

They land in build/screenshots/.
"""

import math
import random
import time
from pathlib import Path

import pytest
from desk import Desk
from looks import runs_over, too_faint
from playwright.sync_api import expect
from serving_process import Serving
from visitor import DESKTOP, PHONE, admin_token

from ocr_rollout.core.counts import Counts, Pairs

pytestmark = [pytest.mark.server, pytest.mark.slow]

SAMPLES = sorted((Path(__file__).parents[3] / "samples").glob("*.png"))
PLAN = """
rollout:
  id: crnn-1
  phases:
    - {share: 0.1, min_dwell: 20m, min_samples: 200, aim: "basic function, watch the logs"}
    - {share: 0.3, min_dwell: 2d, min_samples: 500, aim: "real feedback, accuracy"}
    - {share: 0.6, min_dwell: 2d, min_samples: 1000, aim: "load and resources"}
    - {share: 1.0, min_dwell: 1d, min_samples: 1000, aim: "full, then stop the old model"}
shadow: {share: 1.0}
review: {stable: 1.0, candidate: 1.0, disputes: 1.0, keep_images: true}
"""
LOOKS = {
    "desktop": {"size": DESKTOP, "language": "en-GB", "scheme": "light"},
    "desktop-dark": {"size": DESKTOP, "language": "zh-CN", "scheme": "dark"},
    "phone": {"size": PHONE, "language": "zh-CN", "scheme": "light"},
    "phone-dark": {"size": PHONE, "language": "en-GB", "scheme": "dark"},
}


def an_hour_of_traffic(desk):
    """As clients would have flushed it: 5 requests a second, the candidate slower by a fifth."""
    chance, now_s = random.Random(4), time.time()
    for ago_s in range(3_000, 20, -20):
        load = 1 + 0.4 * math.sin(ago_s / 500)
        for arm, each_s, typical_ms in (("stable", 4.5, 62), ("candidate", 0.5, 74)):
            counts = Counts()
            for _ in range(round(20 * each_s * load)):
                bad = "server_error" if chance.random() < 0.004 else "ok"
                counts += Counts.of(bad, typical_ms * chance.lognormvariate(0, 0.35))
            desk.counted(arm, counts, now_s - ago_s)
        equal = sum(chance.random() < 0.93 for _ in range(15))
        desk.counted("pairs", Pairs(15, equal=equal, distance_milli=90), now_s - ago_s)


@pytest.fixture(scope="module")
def url(triton, tmp_path_factory):
    """A service in the middle of a rollout, which has read the samples."""
    desk = Desk(tmp_path_factory.mktemp("shown"), PLAN, triton=triton).started()
    an_hour_of_traffic(desk)
    desk.watched(15)
    with Serving(desk.file) as serving:
        answers = [serving.post(files={"image": path.read_bytes()}).json() for path in SAMPLES]
        lines = sum(answer["mode"] == "line" for answer in answers)
        # They are put aside after they were answered, for the pages that show them.
        for kind, least in (("line", lines), ("pair", 1)):
            serving.until(
                lambda kind=kind, least=least: (
                    len(desk.store.samples(0, math.inf, 100, kind=kind)) >= least
                ),
                f"{least} of kind {kind} are not there",
            )
        yield serving.url


@pytest.fixture(params=LOOKS)
def look(request):
    return request.param


def shown(visitor, page, name):
    visitor.shoots(page, name)
    assert not runs_over(page)
    assert not too_faint(page)


def test_read(visitor, url, look, tmp_path):
    page = visitor.opens(url, **LOOKS[look])
    page.locator("#files").set_input_files([SAMPLES[0], SAMPLES[5], SAMPLES[9]])
    expect(page.locator(".facts")).to_have_count(3)
    page.locator("ruby").nth(2).hover()
    shown(visitor, page, f"read-{look}")
    (tmp_path / "notes.png").write_text("no picture")
    page.locator("#files").set_input_files(tmp_path / "notes.png")
    expect(page.locator(".failed")).to_be_visible()
    page.locator(".entry").last.locator("summary").click()
    page.locator("#numbers").check()
    shown(visitor, page, f"read-error-{look}")
    page.locator(".about button").nth(2).click()
    shown(visitor, page, f"read-correct-{look}")


def test_rollout(visitor, url, look):
    page = visitor.enters(f"{url}/rollout", admin_token(), **LOOKS[look])
    expect(page.locator(".chart")).to_have_count(4)
    expect(page.locator("#disagreements img").first).to_be_visible()
    expect(page.locator("#log tr").first).to_be_visible()
    shown(visitor, page, f"rollout-{look}")
    page.locator("#orders .danger").click()
    page.get_by_role("dialog").locator("input").first.fill("Li Wei")
    page.get_by_role("dialog").locator("input").last.fill("wrong amounts")
    page.keyboard.press("Enter")
    shown(visitor, page, f"rollout-order-{look}")


def test_review(visitor, url, look):
    page = visitor.enters(f"{url}/review", admin_token(), **LOOKS[look])
    page.locator("#by").fill(look)
    page.keyboard.press("Enter")
    expect(page.locator(".task")).to_be_focused()
    page.keyboard.press("1")
    page.locator(".reading").first.click()
    expect(page.locator("#progress")).to_contain_text("1")
    expect(page.locator(".task img")).to_be_visible()
    page.locator("#results summary").click()
    expect(page.locator("#results tbody tr").first).to_be_visible()
    shown(visitor, page, f"review-{look}")
