"""A bar on stderr while many pages are read, and nothing where nobody looks."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ocr_client.pages.sources import Missing, Page

if TYPE_CHECKING:
    from typing_extensions import Self

BAR_FROM = 20  # pages


class Progress:
    """A context manager. How many pages there are becomes known as files are opened."""

    def __init__(self, names: int) -> None:
        self._total = names
        self._done = 0
        self._bar: Any = None
        self._task: Any = None

    def counted(self, pages: Iterable[Page | Missing]) -> Iterator[Page | Missing]:
        """The same pages; each file's are known with its first."""
        first, seen, file = True, 0, ""
        for page in pages:
            seen += 1
            if not isinstance(page, Missing) and (first or page.file != file):
                self._total = max(self._total + page.count - 1, seen)
                first, file = False, page.file
            self._total = max(self._total, seen)
            yield page
        self._total = seen

    def advance(self) -> None:
        self._done += 1
        if self._bar is None and self._total >= BAR_FROM and sys.stderr.isatty():
            self._begin()
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done, total=self._total)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _begin(self) -> None:
        from rich.console import Console  # noqa: PLC0415
        from rich.progress import Progress as Bar  # noqa: PLC0415

        # What is printed goes above the bar; never to stderr what belongs into a file.
        self._bar = Bar(
            console=Console(stderr=True), redirect_stdout=sys.stdout.isatty(), transient=True
        )
        self._task = self._bar.add_task("reading", total=self._total)
        self._bar.start()
