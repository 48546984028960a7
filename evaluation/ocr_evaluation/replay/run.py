"""Reads what the journal lacks, in the order of the pictures, with a bar."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
from collections.abc import Callable, Iterator

from ocr_client.fan_out import in_order
from ocr_evaluation.labels import DatasetError
from ocr_evaluation.progress import bar
from ocr_rollout.core.outcomes import ERRORS

from .attempts import Reader, Reading
from .journal import Journal
from .sources import HOW_TO_KEEP, Picture, Source


@dataclasses.dataclass
class Seen:
    """What became of the pictures so far.

    readings: of different images, in order, each under its first name. truths: by digest.
    duplicates: the same file as one before, and which. without: no image was kept, or it is gone.
    known: how many of the readings the journal had. partial: there was a Ctrl-C.
    """

    readings: list[tuple[Picture, Reading]] = dataclasses.field(default_factory=list)
    truths: dict[str, str] = dataclasses.field(default_factory=dict)
    duplicates: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    without: list[str] = dataclasses.field(default_factory=list)
    known: int = 0
    partial: bool = False


def run(source: Source, journal: Journal, begin: Callable[[], Reader], *, threads: int) -> Seen:
    """A Ctrl-C ends the reading. begin: called before the first picture that the journal lacks.

    Raises OCRError, StoppedError, StoreError, JournalError; what was read is in the journal. And
    DatasetError, or KeyboardInterrupt, where that is nothing.
    """
    with (
        bar("reading", len(source.pictures)) as told,
        contextlib.closing(_Run(journal, begin, told)) as work,
    ):
        work.seen.partial = True
        with contextlib.suppress(KeyboardInterrupt):
            items = work.different(source)
            found = in_order(work.read, items, threads=threads, leave=work.leave)
            with contextlib.closing(found):
                for picture, reading in found:
                    work.take(picture, reading)
            work.seen.partial = False
    if not work.seen.readings:
        if work.seen.partial:
            raise KeyboardInterrupt
        raise DatasetError(f"{source.where} has no image to read; {HOW_TO_KEEP}")
    return work.seen


@dataclasses.dataclass(frozen=True)
class _Item:
    number: int
    picture: Picture
    digest: str
    content: bytes


class _Run:
    """told: how many failed, after each picture."""

    def __init__(
        self, journal: Journal, begin: Callable[[], Reader], told: Callable[[int], None]
    ) -> None:
        self.seen = Seen()
        self._journal = journal
        self._begin = begin
        self._told = told
        self._failed = 0
        self._reader: Reader | None = None

    def different(self, source: Source) -> Iterator[_Item]:
        """The pictures that are to be read, each once."""
        seen, first = self.seen, dict[str, str]()
        for picture in source.pictures:
            content = source.content(picture)
            if content is None:
                seen.without.append(picture.name)
                self._told(self._failed)
                continue
            digest = hashlib.sha256(content).hexdigest()
            if picture.truth is not None:
                seen.truths.setdefault(digest, picture.truth)
            if digest in first:
                seen.duplicates.append((picture.name, first[digest]))
                self._told(self._failed)
                continue
            first[digest] = picture.name
            if self._reader is None and digest not in self._journal.readings:
                self._reader = self._begin()
            yield _Item(len(first), picture, digest, content)

    def read(self, item: _Item) -> tuple[Picture, Reading]:
        """In any thread. Raises StoppedError."""
        reading = self._journal.readings.get(item.digest)
        if reading is None:
            assert self._reader is not None  # begun before the item was given out
            name, content = item.picture.name, item.content
            reading = self._reader.read(item.number, name, item.digest, content)
        return item.picture, reading

    def take(self, picture: Picture, reading: Reading) -> None:
        if reading.digest in self._journal.readings:
            self.seen.known += 1
        else:
            self._journal.add(reading)
        self.seen.readings.append((picture, reading))
        self._failed += bool({reading.stable.fault, reading.candidate.fault} & ERRORS)
        self._told(self._failed)

    def leave(self) -> None:
        """For a thread that ends."""
        if self._reader is not None:
            self._reader.leave()

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
