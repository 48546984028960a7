"""A headless Chromium of the tests, driven by Playwright."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from installed import program
from playwright.sync_api import Browser, sync_playwright

INSTALL = "apt-get install -y chromium fonts-noto-cjk"
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def chromium_program() -> str:
    """Path of Chromium. Fails the test, naming the command that installs it, without one."""
    return program(*NAMES, install=INSTALL)


@contextlib.contextmanager
def new_browser() -> Iterator[Browser]:
    """For root, without Chromium's sandbox, which does not work there; it meets our pages only."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_program(), chromium_sandbox=os.geteuid() != 0
        )
        yield browser
        browser.close()
