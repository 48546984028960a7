"""The images and PDFs of a folder, and what was left out of it, in one line."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ocr_client.errors import PageError
from ocr_preprocessing.errors import printable

SUFFIXES: Final = frozenset(
    ".jpg .jpeg .png .webp .tif .tiff .bmp .gif .pgm .ppm .pnm .jp2 .pdf".split()
)


@dataclasses.dataclass
class LeftOut:
    """others: files that are no images or PDFs. first: the name of one of them."""

    others: int = 0
    first: str = ""
    hidden: int = 0
    folders: int = 0
    links: int = 0
    closed: int = 0

    def told(self, folder: str) -> str:
        """One line; empty where nothing was left out."""
        parts = [
            _count(self.others, "file that is no image or PDF", "files that are no images or PDFs")
            + (
                f" ({printable(self.first)}{', ...' if self.others > 1 else ''})"
                if self.first
                else ""
            ),
            _count(self.hidden, "hidden one", "hidden ones"),
            _count(self.folders, "folder (--recursive)", "folders (--recursive)"),
            _count(self.links, "link to a folder", "links to folders"),
            _count(self.closed, "folder that may not be read", "folders that may not be read"),
        ]
        said = ", ".join(part for part in parts if part)
        return f"{printable(folder)}: left out: {said}" if said else ""


def in_folder(name: str, left_out: LeftOut, *, recursive: bool) -> list[str]:
    """By name, a folder's own files before those of the folders in it. Raises PageError."""
    found = [str(one) for one in _files(Path(name), left_out, recursive=recursive, top=True)]
    if not found:
        raise PageError.at(name, "is a folder without images or PDFs")
    return found


def _files(folder: Path, left_out: LeftOut, *, recursive: bool, top: bool) -> Iterator[Path]:
    """Links to folders are not followed: they could lead back here."""
    try:
        with os.scandir(folder) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        if top:
            raise PageError.at(str(folder), (error.strerror or str(error)).lower()) from None
        left_out.closed += 1
        return
    inner = []
    for entry in ordered:
        if entry.name.startswith("."):
            left_out.hidden += 1
        elif entry.is_dir(follow_symlinks=False):
            inner.append(folder / entry.name)
        elif entry.is_dir():
            left_out.links += 1
        elif Path(entry.name).suffix.lower() in SUFFIXES and entry.is_file():
            yield folder / entry.name
        else:
            left_out.others += 1
            left_out.first = left_out.first or entry.name
    if not recursive:
        left_out.folders += len(inner)
        return
    for one in inner:
        yield from _files(one, left_out, recursive=True, top=False)


def _count(number: int, one: str, several: str) -> str:
    return f"{number:,} {one if number == 1 else several}" if number else ""
