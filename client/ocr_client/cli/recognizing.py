"""What `ocrctl recognize` does: pages in order, read by a few threads, told and written as they come."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ocr_client.client import OCRClient
from ocr_client.config import ClientConfig
from ocr_client.errors import BadImageError, OCRError
from ocr_client.fan_out import in_order
from ocr_client.pages.formats import Entry, Failure, Format
from ocr_client.pages.formats.entry import Place
from ocr_client.pages.outputs import Documents, Drawings
from ocr_client.pages.sources import Missing, Page, Wanted, pages_of
from ocr_client.request import parsed_arm
from ocr_preprocessing.errors import printable

from .progress import Progress
from .shown import Shown

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclasses.dataclass(frozen=True)
class Order:
    """What the command line asks for.

    line: True: each image is a line, False: a page, None: it decides. format: None: for people.
    out: None: stdout. each: it is a folder, with a document for each input.
    """

    names: tuple[str, ...]
    wanted: Wanted
    user_id: str | None
    arm: str | None
    line: bool | None
    upright: bool
    text_layer: bool
    format: Format | None
    out: Path | None
    each: bool
    visualize: Path | None
    font: Path | None


def run(order: Order, config: ClientConfig) -> bool:
    """Whether some failed. Raises BadArmError, and OSError where something cannot be written."""
    arm = parsed_arm(order.arm)
    wanted = dataclasses.replace(order.wanted, max_pixels=config.limits.max_pixels, tell=note)

    with contextlib.ExitStack() as stack:
        client = stack.enter_context(OCRClient(config))

        def read(page: Page | Missing) -> Entry | Failure:
            if isinstance(page, Missing):
                return Failure(Place(page.file, 1, 1), page.error, None)
            place = Place(page.file, page.number, page.count)
            try:
                layer = page.layer() if order.text_layer else None
                if layer is not None:
                    layer = layer.with_fields(config.pages.fields)
                    return Entry(place, layer, page)
                source = page.source()
                found = client.recognize_page(
                    source, user_id=order.user_id, arm=arm, line=order.line, upright=order.upright
                )
            except OCRError as error:
                return Failure(place, _named(place, error), page)
            return Entry(place, found, page)

        told = stack.enter_context(Told(order))
        progress = stack.enter_context(Progress(len(order.names)))
        answers = in_order(
            read,
            progress.counted(pages_of(order.names, wanted)),
            threads=config.triton.concurrency,
            leave=lambda: client.close(thread_ends=True),
        )
        stack.enter_context(contextlib.closing(answers))
        for answer in answers:
            told.add(answer)
            progress.advance()
    return told.failed


class Told:
    """Shows and writes one answer after the other; closes each file when the next one begins."""

    def __init__(self, order: Order) -> None:
        self._stack = contextlib.ExitStack()
        self._shown = None if order.format else Shown(decided=order.line is None)
        self._documents = (
            Documents(order.format, order.out, each=order.each) if order.format else None
        )
        self._drawings = Drawings(order.visualize, order.font) if order.visualize else None
        self._format = order.format
        self._quiet = order.format == "json"  # it has an object for each failure
        self._complaints: set[str] = set()
        self._tables = 0
        self._last: Entry | Failure | None = None
        self.failed = False
        if self._drawings is not None and not self._drawings.has_font:
            note("no font with Chinese characters was found; such texts stand in .txt files")

    def add(self, answer: Entry | Failure) -> None:
        """Raises OSError."""
        last, self._last = self._last, answer
        if last is not None and not answer.place.continues(last.place):
            _close(last)
        if isinstance(answer, Failure):
            self._complain(answer.place, answer.error)
        else:
            self._tables += sum(block.table is not None for block in answer.read.blocks)
            if self._shown is not None:
                self._shown.add(answer)
        try:
            if self._documents is not None:
                self._documents.add(answer)
            if self._drawings is not None and isinstance(answer, Entry):
                self._drawings.add(answer)
        except BadImageError as error:
            self._complain(answer.place, error)

    def __enter__(self) -> Self:
        if self._documents is not None:
            self._stack.enter_context(self._documents)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        if self._last is not None:
            _close(self._last)
        if kind is None and self._shown is not None:
            self._shown.end()
        if kind is None and self._format == "csv" and not self._tables:
            note("no table was found; --format text has what was read")
        self._stack.__exit__(kind, error, None)

    def _complain(self, place: Place, error: OCRError) -> None:
        self.failed = True
        text = str(error)
        if error.owner not in {"caller", "network"}:
            text = f"{place.title}: {text}"
        # A server that is gone is one fact, however many files were asked for.
        if text not in self._complaints and (not self._quiet or error.owner == "network"):
            note(text)
        self._complaints.add(text)


def note(text: str) -> None:
    print(f"ocrctl: {text}", file=sys.stderr)


def _named(place: Place, error: OCRError) -> OCRError:
    """An error of pixels that were handed over says which page they were of."""
    if isinstance(error, BadImageError) and printable(place.file) not in str(error):
        return BadImageError(f"{place.title}: {error}")
    return error


def _close(answer: Entry | Failure) -> None:
    if answer.page is not None:
        answer.page.close()
