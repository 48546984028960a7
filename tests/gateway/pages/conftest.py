"""Fixtures of the pages' tests: the service as a process of its own, and Chromium to look at it."""

from pathlib import Path

import pytest
from chromium import new_browser
from desk import Desk
from playwright.sync_api import expect
from serving_process import Serving
from visitor import Visitor, admin_token

expect.set_options(timeout=60_000)  # milliseconds; machines are busy
SHOTS = Path(__file__).parents[3] / "build" / "screenshots"


@pytest.fixture(scope="module")
def browser():
    """Of one module alone: while Playwright is there, nobody can run an event loop of their own."""
    with new_browser() as browser:
        yield browser


@pytest.fixture
def visitor(browser):
    """Opens pages; what a page had to complain about fails the test that opened it."""
    visitor = Visitor(browser, SHOTS)
    yield visitor
    visitor.leave()


@pytest.fixture(scope="module")
def desk(triton, tmp_path_factory):
    """A plan that was not started yet, at the real Triton."""
    return Desk(tmp_path_factory.mktemp("desk"), triton=triton)


@pytest.fixture(scope="module")
def service(desk):
    """The address of `ocrctl serve` at that desk."""
    with Serving(desk.file) as serving:
        yield serving.url


@pytest.fixture(scope="module")
def token(service):
    return admin_token()
