"""What a command line names -> pages, one after the other.

| argument | pages |
|---|---|
| an image file | one; a TIFF with several frames: each |
| a PDF | each, or those of `--pages` |
| a folder | of every image and PDF in it, by name; with `recursive` of the folders in it, too |
| a pattern (`*`, `?`, `[`) that is no file | of every file that matches, by name |
| `http://`, `https://` | of what is there |
| `-` | of what comes on stdin |
"""

from __future__ import annotations

import dataclasses
import glob
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Final

from ocr_client.errors import BadImageError, PageError
from ocr_preprocessing.load import MAX_PIXELS

from .folders import LeftOut, in_folder
from .frames import TiffFile, is_tiff
from .page import DPI, ImagePage, Page
from .pdf import PdfFile
from .ranges import PageRanges
from .remote import FetchLimits, fetched, is_url

STDIN: Final = "-"
STDIN_NAME: Final = "stdin"
_HEAD: Final = 1_024  # bytes, somewhere in which a PDF says that it is one
_PDF: Final = b"%PDF-"


@dataclasses.dataclass(frozen=True)
class Wanted:
    """ranges: of a file with several pages; None: all. dpi: at which pages of PDFs are drawn.

    recursive: folders with the folders in them. tell: is told what was left out of a folder.
    """

    ranges: PageRanges | None = None
    dpi: float = DPI
    max_pixels: int = MAX_PIXELS
    fetch: FetchLimits = dataclasses.field(default_factory=FetchLimits)
    recursive: bool = False
    tell: Callable[[str], None] = lambda _: None


@dataclasses.dataclass(frozen=True)
class Missing:
    """No page: why there is none in what was named."""

    file: str
    error: BadImageError


def pages_of(names: Iterable[str], wanted: Wanted | None = None) -> Iterator[Page | Missing]:
    """As they are needed: a file is opened when its first page is asked for.

    Never raises: what cannot be used stands in its place as `Missing`. Whoever takes the pages
    closes each of them.
    """
    wanted = wanted or Wanted()
    for name in names:
        try:
            yield from _named(name, wanted)
        except BadImageError as error:  # noqa: PERF203  # the others are still wanted
            yield Missing(STDIN_NAME if name == STDIN else name, error)


def _named(name: str, wanted: Wanted) -> Iterator[Page | Missing]:
    if name == STDIN:
        yield from _of_bytes(STDIN_NAME, _from_stdin(wanted.fetch.most_bytes), wanted)
    elif is_url(name):
        yield from _of_bytes(name, fetched(name, wanted.fetch), wanted)
    elif Path(name).is_dir():
        yield from _each(_in_folder(name, wanted), wanted)
    elif glob.has_magic(name) and not Path(name).exists():
        found = sorted(one for one in _matching(name) if not Path(one).is_dir())
        if not found:
            raise PageError.at(name, "no file matches")
        yield from _each(found, wanted)
    else:
        yield from _of_file(name, wanted)


def _each(files: Iterable[str], wanted: Wanted) -> Iterator[Page | Missing]:
    for file in files:
        try:
            yield from _of_file(file, wanted)
        except BadImageError as error:  # noqa: PERF203  # the others are still wanted
            yield Missing(file, error)


def _matching(pattern: str) -> list[str]:
    return glob.glob(pattern, recursive=True)  # noqa: PTH207  # of Path's own, none may be absolute


def _in_folder(name: str, wanted: Wanted) -> list[str]:
    left_out = LeftOut()
    found = in_folder(name, left_out, recursive=wanted.recursive)
    said = left_out.told(name)
    if said:
        wanted.tell(said)
    return found


def _of_file(name: str, wanted: Wanted) -> Iterator[Page]:
    try:
        path = Path(name)
        if not path.is_file():  # opening a pipe would wait; reading says what it is
            head = b""
        else:
            with path.open("rb") as file:
                head = file.read(_HEAD)
    except (OSError, ValueError):  # and why not
        head = b""
    yield from _of_kind(name, head, None, wanted)


def _of_bytes(name: str, content: bytes, wanted: Wanted) -> Iterator[Page]:
    yield from _of_kind(name, content[:_HEAD], content, wanted)


def _of_kind(name: str, head: bytes, content: bytes | None, wanted: Wanted) -> Iterator[Page]:
    if _PDF in head:
        pdf = PdfFile(name, content, wanted.dpi, wanted.max_pixels)
        yield from pdf.pages(wanted.ranges)
        return
    if is_tiff(head):
        tiff = TiffFile(name, content, wanted.max_pixels)
        if tiff.count > 1:
            yield from tiff.pages(wanted.ranges)
            return
        tiff.close()
    yield ImagePage(name, content, wanted.max_pixels)


def _from_stdin(most_bytes: int, stream: IO[bytes] | None = None) -> bytes:
    content = (stream or sys.stdin.buffer).read(most_bytes + 1)
    if not content:
        raise PageError.at(STDIN_NAME, "nothing came")
    if len(content) > most_bytes:
        raise PageError.at(STDIN_NAME, f"is larger than {most_bytes / 1e6:,.0f} MB")
    return content
