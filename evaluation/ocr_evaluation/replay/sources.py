"""Where images come from, in an order that is the same each time."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import time
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from ocr_client.operations.setting import shared_store
from ocr_evaluation.labels import MEANINGS, NAME, DatasetError, images_below, load
from ocr_rollout.stores import Sample, SampleKind, SqliteStore, Store

_KINDS: Final[tuple[SampleKind, ...]] = ("line", "pair")  # feedback has no image
_ALL: Final = 1_000_000  # more than any `review.keep`
_SQLITE: Final = b"SQLite format 3\0"
HOW_TO_KEEP: Final = (
    "`review: {stable: 0.05, disputes: 1.0, keep_images: true}` in the configuration keeps some"
)


@dataclasses.dataclass(frozen=True)
class Picture:
    """name: of the file from the folder, or the sample's id. truth: what stands there; None: unknown."""

    name: str
    truth: str | None = None


class Source(Protocol):
    """where: for people. pictures: in order. said: counted, what is wrong with what was given."""

    where: str
    pictures: tuple[Picture, ...]
    said: Mapping[str, int]

    def content(self, picture: Picture) -> bytes | None:
        """The file's bytes; None where it is gone. Raises StoreError."""

    def close(self) -> None: ...


class Folder:
    """All images of a folder and those below it; labels.tsv may say what stands there.

    Folders keep alike images together and traffic does not, so they are mixed, the same way each
    time: by the hashes of their names.
    """

    def __init__(self, folder: Path) -> None:
        """Raises DatasetError on labels that cannot be read, and where there is no image."""
        self.where = str(folder)
        self.said: Mapping[str, int] = {}
        truths: dict[str, str] = {}
        if (folder / NAME).exists():
            labelled = load(folder)
            truths = {line.file: line.text for line in labelled.lines}
            self.said = {MEANINGS[fault]: n for fault, n in labelled.counts().items() if n}
        self._folder = folder
        mixed = sorted(images_below(folder), key=_mixed)
        self.pictures = tuple(Picture(name, truths.get(name)) for name in mixed)
        if not self.pictures:
            raise DatasetError(f"{folder} holds no image")

    def content(self, picture: Picture) -> bytes | None:
        try:
            return (self._folder / picture.name).read_bytes()
        except OSError:
            return None

    def close(self) -> None:
        """Nothing is open."""


class Samples:
    """What a rollout's store has put aside for reviewers, oldest first: as the requests came."""

    def __init__(self, store: Store, now_s: float) -> None:
        """Raises StoreError, and DatasetError where there is no sample."""
        self.where = store.url
        self._store = store
        found = [
            sample
            for kind in _KINDS
            for sample in store.samples(-math.inf, math.inf, _ALL, kind=kind)
            if sample.expires_s > now_s
        ]
        found.sort(key=lambda sample: (sample.at_s, sample.id))
        if not found:
            raise DatasetError(f"{store.url} holds no sample; {HOW_TO_KEEP}")
        self.pictures = tuple(Picture(sample.id, _truth(sample)) for sample in found)
        self.said: Mapping[str, int] = {}

    def content(self, picture: Picture) -> bytes | None:
        return self._store.sample_image(picture.name)

    def close(self) -> None:
        self._store.close()


def opened(where: str) -> Source:
    """A folder, the URL of a store, or its SQLite file. Raises DatasetError, StoreError."""
    path = Path(where)
    if "://" not in where and path.is_dir():
        return Folder(path)
    if "://" not in where and not where.startswith("memory:"):
        where = f"sqlite:///{urllib.parse.quote(str(_sqlite_file(path).absolute()))}"
    store = shared_store(where, "STORE")
    if isinstance(store, SqliteStore) and store.absent:  # which a reading would make
        raise DatasetError(f"{store.path} is not there; name a store, or a folder of images")
    return Samples(store, time.time())


def _sqlite_file(path: Path) -> Path:
    try:
        with path.open("rb") as file:
            begin = file.read(len(_SQLITE))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DatasetError(f"{path}: {reason}; name a store, or a folder of images") from None
    if begin != _SQLITE:
        raise DatasetError(f"{path} is no store; name one, or a folder of images")
    return path


def _mixed(name: str) -> bytes:
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()


def _truth(sample: Sample) -> str | None:
    review: Mapping[str, Any] = sample.review or {}
    truth = review.get("truth") if review.get("status") == "done" else None
    return truth if isinstance(truth, str) else None
