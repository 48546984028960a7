"""Plain text, and JSON, one object a line."""

from __future__ import annotations

import json
from typing import IO, Any

from ocr_client.errors import OCRError
from ocr_client.pages.sources.layer import LayerPage
from ocr_client.results import LineResult

from .entry import Entry, Failure, Place


class TextWriter:
    """Lines as they stand; a form feed between pages, as programs that turn PDFs into text do."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._begun = False

    def page(self, entry: Entry) -> None:
        text = entry.read.text.rstrip("\n") + "\n" if entry.read.text else ""
        put(self._stream, ("\f" if self._begun else "") + text)
        self._begun = True

    def failed(self, failure: Failure) -> None:
        """Nothing is shown in its place."""

    def close(self) -> None:
        """Nothing is left to say."""


class JsonWriter:
    """The objects of `ocrctl recognize --json`, one a line."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def page(self, entry: Entry) -> None:
        self._put(to_json(entry.place, entry.read))

    def failed(self, failure: Failure) -> None:
        """An object of its own, with the keys of a result."""
        self._put(to_json(failure.place, failure.error))

    def close(self) -> None:
        """Nothing is left to say."""

    def _put(self, found: dict[str, Any]) -> None:
        put(self._stream, json.dumps(found, ensure_ascii=False) + "\n")


def to_json(place: Place, answer: LineResult | LayerPage | OCRError) -> dict[str, Any]:
    """The keys of a result are there for a failure, too."""
    pages = {"page": place.number, "pages": place.count} if place.count > 1 else {}
    if not isinstance(answer, OCRError):
        return {"file": place.file, **pages, "success": True, **answer.to_json(), "error": None}
    return {
        "file": place.file,
        **pages,
        "success": False,
        "text": None,
        "confidence": None,
        "time_ms": None,
        "arm": None,
        "bucket": None,
        "fell_back": False,
        "rescued": False,
        "error": str(answer),
        "error_type": type(answer).__name__,
        "owner": answer.owner,
    }


def put(stream: IO[bytes], text: str) -> None:
    # What no encoder takes becomes \udcxx, which JSON can read, and people can see.
    stream.write(text.encode("utf-8", "backslashreplace"))
