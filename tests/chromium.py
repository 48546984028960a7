"""A headless Chromium of the tests, driven by Playwright."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

INSTALL = "apt-get install -y chromium fonts-noto-cjk"
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def chromium_program() -> str:
    """Path of Chromium. Fails the test, naming the command that installs it, without one."""
    found = _on_path()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update", "-qq"], INSTALL.split()):
            subprocess.run(command, env=environment, capture_output=True, check=False)
        found = _on_path()
    if found is None:
        pytest.fail(f"these tests need Chromium; run: {INSTALL}", pytrace=False)
    return found


def _on_path() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextlib.contextmanager
def new_browser() -> Iterator[Browser]:
    """For root, without Chromium's sandbox, which does not work there; it meets our pages only."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_program(), chromium_sandbox=os.geteuid() != 0
        )
        yield browser
        browser.close()
