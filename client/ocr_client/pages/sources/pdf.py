"""Pages of a PDF, through PDFium (extra [pages]).

PDFium is one for the whole process and not made for threads, so there is one lock. Files are
opened where they lie, and a page is held in memory only while it is drawn.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import mmap
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

from ocr_client.errors import PageError
from ocr_preprocessing.fast import Gray
from ocr_preprocessing.load import LEAST_SIDE

from .layer import LayerPage
from .ranges import PageRanges, asked_for
from .text_layer import Box, lines_of

if TYPE_CHECKING:
    import pypdfium2

MAX_PAGES: Final = 5_000  # of one PDF without --pages; a claim of more is most likely none
POINTS: Final = 72.0  # in an inch
_LOCK: Final = threading.Lock()
_PASSWORD: Final = "needs a password; take it away first, e.g. with qpdf --decrypt"  # noqa: S105  # a sentence
_BROKEN: Final = "is no PDF that can be read, or has no pages; is it whole?"


class PdfFile:
    """An open PDF. file: as people call it. dpi: dots per inch at which pages are drawn."""

    def __init__(self, file: str, content: bytes | None, dpi: float, max_pixels: int) -> None:
        """Raises PageError. content: None where `file` is a path."""
        try:
            import pypdfium2  # noqa: PLC0415
        except ModuleNotFoundError:
            reason = "PDFs need the extra [pages]: pip install 'ocr-rollout[pages]'"
            raise PageError.at(file, reason) from None
        self.file = file
        self.dpi = dpi
        self.max_pixels = max_pixels
        with _LOCK:
            try:
                self._document = pypdfium2.PdfDocument(content or os.fspath(file))
            except FileNotFoundError:
                raise PageError.at(file, "no such file") from None
            except pypdfium2.PdfiumError as error:
                # PDFium may still tell of the file before this one.
                locked = error.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD
                locked = locked and _holds(file, content, b"/Encrypt")
                raise PageError.at(file, _PASSWORD if locked else _BROKEN) from None
            with contextlib.suppress(pypdfium2.PdfiumError):  # so that filled-in forms are drawn
                self._document.init_forms()
            self.count = len(self._document)
        if not self.count:
            self.close()
            raise PageError.at(file, "is a PDF without pages")

    def pages(self, wanted: PageRanges | None) -> Iterator[PdfPage]:
        """In their order. Raises PageError where none of the wanted are there, or too many."""
        if wanted is None and self.count > MAX_PAGES:
            reason = (
                f"says that it has {self.count:,} pages; more than {MAX_PAGES:,} are read only "
                f"where they are asked for: --pages 1-{MAX_PAGES}"
            )
            raise PageError.at(self.file, reason)
        for number in asked_for(wanted, self.file, self.count):
            yield PdfPage(self, number)

    @contextlib.contextmanager
    def opened(self, number: int) -> Iterator[pypdfium2.PdfPage]:
        """Holds the lock. Raises PageError."""
        import pypdfium2  # noqa: PLC0415

        with _LOCK:
            page = None
            try:
                page = self._document[number - 1]
                yield page
            except pypdfium2.PdfiumError:
                raise PageError.at(self.file, f"page {number} is damaged") from None
            finally:
                if page is not None:
                    page.close()

    def close(self) -> None:
        with _LOCK:
            self._document.close()


class PdfPage:
    """See `Page`."""

    def __init__(self, pdf: PdfFile, number: int) -> None:
        self._pdf = pdf
        self.number = number
        self.file = pdf.file
        self.count = pdf.count

    def source(self) -> Gray:
        """Drawn in gray: (H, W) UINT8."""
        with self._pdf.opened(self.number) as page:
            array, _ = self._drawn(page, grayscale=True)
        return np.ascontiguousarray(array[..., 0] if array.ndim == 3 else array)

    def picture(self) -> tuple[Image.Image, float]:
        with self._pdf.opened(self.number) as page:
            array, dpi = self._drawn(page, grayscale=False)
        return Image.fromarray(np.ascontiguousarray(array)), dpi

    def layer(self) -> LayerPage | None:
        """None where it has no text, as a scan."""
        with self._pdf.opened(self.number) as page:
            scale = self._scale(page)
            width, height = _size(page, scale)
            characters = list(_characters(page, width, height))
        lines = lines_of(characters)
        return LayerPage.of(lines, width, height) if lines else None

    def close(self) -> None:
        self._pdf.close()

    def _drawn(self, page: pypdfium2.PdfPage, *, grayscale: bool) -> tuple[Any, float]:
        """Pixels in gray or RGB, a copy of their own; and dots per inch."""
        scale = self._scale(page)
        bitmap = page.render(scale=scale, grayscale=grayscale, rev_byteorder=True)
        try:
            return bitmap.to_numpy().copy(), scale * POINTS
        finally:
            bitmap.close()

    def _scale(self, page: pypdfium2.PdfPage) -> float:
        """Pixels in a point: as `dpi` says, less where the page would be too large."""
        width, height = page.get_size()
        if not (math.isfinite(width * height) and min(width, height) > 0):
            raise PageError.at(self.file, f"page {self.number} has no size")
        scale = self._pdf.dpi / POINTS
        room = math.sqrt(self._pdf.max_pixels / (width * height))
        if room < scale:
            scale = room * 0.999  # sizes are rounded up
        if min(_size(page, scale)) < LEAST_SIDE:
            size = f"{width:g}x{height:g} points"
            raise PageError.at(self.file, f"page {self.number} is too small or narrow: {size}")
        return scale


def _holds(file: str, content: bytes | None, words: bytes) -> bool:
    if content is not None:
        return words in content
    with (
        Path(file).open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as found,
    ):
        return found.find(words) >= 0


def _size(page: pypdfium2.PdfPage, scale: float) -> tuple[int, int]:
    """Width and height in pixels, as PDFium rounds them."""
    width, height = page.get_size()
    return math.ceil(width * scale), math.ceil(height * scale)


def _characters(page: pypdfium2.PdfPage, width: int, height: int) -> Iterator[tuple[str, Box]]:
    """In the order of the file; line ends are among them. Boxes in pixels of the drawn page."""
    from pypdfium2 import raw  # noqa: PLC0415

    def placed(x: float, y: float) -> tuple[int, int]:
        across, down = ctypes.c_int(), ctypes.c_int()
        raw.FPDF_PageToDevice(page, 0, 0, width, height, 0, x, y, across, down)
        return across.value, down.value

    text = page.get_textpage()
    try:
        for index in range(text.count_chars()):
            character = chr(raw.FPDFText_GetUnicode(text, index))
            left, bottom, right, top = text.get_charbox(index)
            one, other = placed(left, top), placed(right, bottom)
            across, down = sorted((one[0], other[0])), sorted((one[1], other[1]))
            yield character, (across[0], down[0], across[1], down[1])
    finally:
        text.close()
