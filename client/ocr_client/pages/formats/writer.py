"""The formats by name, and what each writer does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Final, Literal, Protocol, get_args

from .entry import Entry, Failure

Format = Literal["text", "json", "markdown", "html", "csv", "hocr", "alto", "pdf"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
SUFFIXES: Final[Mapping[Format, str]] = {
    "text": ".txt",
    "json": ".jsonl",
    "markdown": ".md",
    "html": ".html",
    "csv": ".csv",
    "hocr": ".hocr",
    "alto": ".xml",
    "pdf": ".pdf",
}


class Writer(Protocol):
    """Writes pages as they come: nothing grows with their number but what a format has to keep."""

    def page(self, entry: Entry) -> None:
        """Raises OSError, and BadImageError where a picture is needed and cannot be had."""

    def failed(self, failure: Failure) -> None:
        """A page that could not be read. Raises as `page` does."""

    def close(self) -> None:
        """Ends the document; the stream stays open."""


def writer_for(format_: Format, stream: IO[bytes]) -> Writer:
    # Imported here: a writer loads what only it needs.
    if format_ == "pdf":
        from .pdf import PdfWriter  # noqa: PLC0415

        return PdfWriter(stream)
    if format_ in {"hocr", "alto"}:
        from .alto import AltoWriter  # noqa: PLC0415
        from .hocr import HocrWriter  # noqa: PLC0415

        return HocrWriter(stream) if format_ == "hocr" else AltoWriter(stream)
    if format_ in {"html", "csv", "markdown"}:
        from .html import HtmlWriter  # noqa: PLC0415
        from .markdown import MarkdownWriter  # noqa: PLC0415
        from .sheets import CsvWriter  # noqa: PLC0415

        if format_ == "markdown":
            return MarkdownWriter(stream)
        return HtmlWriter(stream) if format_ == "html" else CsvWriter(stream)
    from .plain import JsonWriter, TextWriter  # noqa: PLC0415

    return JsonWriter(stream) if format_ == "json" else TextWriter(stream)
