"""Somebody with a browser."""

import os
from pathlib import Path

from playwright.sync_api import Browser, Page

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 360, "height": 740}


def admin_token() -> str:
    """From the file that a service made at its start."""
    return (Path(os.environ["OCR_ROLLOUT_STATE"]) / "service/admin-token").read_text().strip()


class Visitor:
    """shots: folder of the screenshots."""

    def __init__(self, browser: Browser, shots: Path) -> None:
        self._browser = browser
        self._shots = shots
        self._contexts = []
        self._complaints: list[str] = []

    def opens(self, address: str, *, language="en-GB", size=DESKTOP, scheme="light", **options):
        """A page in a new context: no storage is shared with another one."""
        context = self._browser.new_context(
            viewport=size, locale=language, color_scheme=scheme, reduced_motion="reduce", **options
        )
        context.set_default_timeout(60_000)  # milliseconds; machines are busy
        self._contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self._complaints.append(str(error)))
        page.on("console", self._listen)
        page.goto(address)
        page.locator("html[data-ready]").wait_for()
        return page

    def _listen(self, message) -> None:
        """Errors and warnings, but for those that tell of a status or of a service that is away."""
        expected = "Failed to load resource"
        if message.type in {"error", "warning"} and not message.text.startswith(expected):
            self._complaints.append(message.text)

    def enters(self, address: str, token: str, **options):
        """A page behind the token, at which it was typed."""
        page = self.opens(address, **options)
        page.locator("#token").fill(token)
        page.keyboard.press("Enter")
        page.locator("#inside").wait_for()
        return page

    def shoots(self, page: Page, name: str) -> Path:
        """The whole page, or the window where a dialog is open, as build/screenshots/NAME.png."""
        self._shots.mkdir(parents=True, exist_ok=True)
        path = self._shots / f"{name}.png"
        whole = page.locator("dialog[open]").count() == 0
        page.screenshot(path=path, full_page=whole)
        return path

    def leave(self) -> None:
        for context in self._contexts:
            context.close()
        assert not self._complaints, "\n".join(self._complaints)
