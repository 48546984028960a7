"""One page, as every format gets it."""

from __future__ import annotations

import dataclasses

from PIL import Image

from ocr_client.errors import OCRError
from ocr_client.pages.sources.layer import LayerPage
from ocr_client.pages.sources.page import Page
from ocr_client.results import PageResult
from ocr_preprocessing.errors import printable


@dataclasses.dataclass(frozen=True)
class Place:
    """file: as people call it. number, count: which page of how many in that file, from 1 on."""

    file: str
    number: int
    count: int

    def continues(self, before: Place | None) -> bool:
        """Whether it is a later page of the same document."""
        return before is not None and self.file == before.file and self.number > before.number

    @property
    def title(self) -> str:
        """On one line, whatever the file is called."""
        file = printable(self.file)
        return file if self.count == 1 else f"{file}, page {self.number} of {self.count}"


@dataclasses.dataclass(frozen=True)
class Entry:
    """A page that was read."""

    place: Place
    read: PageResult | LayerPage
    page: Page

    def picture(self) -> tuple[Image.Image, float]:
        """Upright, in colours where it has some, and its dots per inch. Raises BadImageError."""
        return self.page.picture()


@dataclasses.dataclass(frozen=True)
class Failure:
    """A page that was not read. page: None where there is none at all."""

    place: Place
    error: OCRError
    page: Page | None
