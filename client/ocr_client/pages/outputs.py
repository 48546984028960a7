"""Where documents and pictures of what was read are put: one file, one for each input, or stdout."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from .drawing import chinese_font, drawn
from .formats import Entry, Failure, Format, Writer, writer_for
from .formats.entry import Place
from .formats.writer import SUFFIXES

if TYPE_CHECKING:
    from typing_extensions import Self

QUALITY: Final = 90  # of the JPEGs that show boxes
_UNSAFE: Final = re.compile(r"[^\w.-]+")
_LONGEST_NAME: Final = 100


@dataclasses.dataclass
class _Open:
    """A document that is being written, beside its place until it is whole."""

    writer: Writer
    stream: IO[bytes]
    path: Path | None


class Documents:
    """Writes pages in one format. A context manager: what is not whole at its end is not left.

    where: None: stdout; a folder: a document for each input; else one for all of them.
    """

    def __init__(self, format_: Format, where: Path | None, *, each: bool) -> None:
        self._format = format_
        self._where = where
        self._each = each
        self._names = Names()
        self._open: _Open | None = None
        self._last: Place | None = None

    def add(self, entry: Entry | Failure) -> None:
        """Raises OSError, and BadImageError where a picture is needed and cannot be had."""
        if self._each and not entry.place.continues(self._last):
            self._finish()
        self._last = entry.place
        if self._open is None:
            self._open = self._begin(entry.place.file)
        if isinstance(entry, Entry):
            self._open.writer.page(entry)
        else:
            self._open.writer.failed(entry)
        if self._open.path is None:
            self._open.stream.flush()  # somebody may be looking on

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._finish()
        elif self._open is not None and self._open.path is not None:
            self._open.stream.close()
            with contextlib.suppress(OSError):
                Path(self._open.stream.name).unlink()

    def _begin(self, file: str) -> _Open:
        if self._where is None:
            stream: IO[bytes] = sys.stdout.buffer
            return _Open(writer_for(self._format, stream), stream, None)
        path = self._where
        if self._each:
            path /= self._names.of(file) + SUFFIXES[self._format]
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = tempfile.NamedTemporaryFile(  # noqa: SIM115  # it outlives this call
            dir=path.parent, prefix=f".{path.name[:_LONGEST_NAME]}-", delete=False
        )
        return _Open(writer_for(self._format, stream), stream, path)

    def _finish(self) -> None:
        document, self._open = self._open, None
        if document is None:
            return
        document.writer.close()
        document.stream.flush()
        if document.path is not None:
            document.stream.close()
            _let_others_read(document.stream.name)
            Path(document.stream.name).replace(document.path)


class Drawings:
    """Pictures with boxes and texts, a file for each page, in one folder."""

    def __init__(self, folder: Path, font_file: Path | None) -> None:
        """font_file: None: one of this machine with Chinese characters, where there is one."""
        self._folder = folder
        self._font_file = font_file or chinese_font()
        self._names = Names()
        self._name = ""
        self._last: Place | None = None

    @property
    def has_font(self) -> bool:
        return self._font_file is not None

    def add(self, entry: Entry) -> Path:
        """Raises OSError, and BadImageError."""
        place = entry.place
        if not place.continues(self._last):
            self._name = self._names.of(place.file)
        self._last = place
        name = self._name if place.count == 1 else f"{self._name}-{place.number}"
        picture, _ = entry.picture()
        found = drawn(picture, entry.read, self._font_file)
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{name}.jpg"
        found.picture.save(path, quality=QUALITY)
        if found.legend is not None:
            (self._folder / f"{name}.txt").write_text(found.legend, "utf-8", "backslashreplace")
        return path


class Names:
    """File names for inputs, each another one."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def of(self, file: str) -> str:
        """Without folders and suffix, and without what no file system takes."""
        last = file.rstrip("/").rpartition("/")[2].partition("?")[0]
        stem = _UNSAFE.sub("_", Path(last).stem).strip("._")[:_LONGEST_NAME] or "page"
        name = next(name for name in _variants(stem) if name not in self._given)
        self._given.add(name)
        return name


def _variants(stem: str) -> Iterator[str]:
    yield stem
    number = 2
    while True:
        yield f"{stem}-{number}"
        number += 1


def _let_others_read(name: str) -> None:
    """As any new file would be: a temporary one is for its owner alone."""
    mask = os.umask(0)
    os.umask(mask)
    Path(name).chmod(0o666 & ~mask)
