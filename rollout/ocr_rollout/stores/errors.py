"""Everything that a store raises on purpose. Each is one line that names the store.

StoreError
├── StoreURLError           a URL that names no store: what was given, what is accepted
├── MissingExtraError       the store needs a package that is not installed; says how to install it
├── DocumentError           what was to be written is no plain data, or does not fit its place
└── StorageError            the store itself; `what` is its path or address
    ├── StoreUnavailableError   not now: refused, timed out, locked, disk full. Trying again helps
    ├── StoreReadOnlyError      it can be read, but not written
    ├── StoreCorruptError       what is there is damaged, or no store of this program
    └── StoreVersionError       written by a newer version of this program; left untouched

A StorageError never says whether a write that was under way took place: all writes that the
protocol offers may be repeated (see `protocol`).
"""

from __future__ import annotations


class StoreError(Exception):
    """Base of all."""


class StoreURLError(StoreError):
    """A URL that names no store."""


class MissingExtraError(StoreError):
    """A store whose package is not installed."""


class DocumentError(StoreError, ValueError):
    """What was to be written is no plain data, or does not fit its place. Nothing was written."""


class StorageError(StoreError):
    """The store cannot be used. `what` is its path or address, without password."""

    def __init__(self, what: str, reason: str) -> None:
        self.what = what
        self.reason = " ".join(reason.split())  # a library's text may hold line breaks
        super().__init__(f"{what}: {self.reason}")


class StoreUnavailableError(StorageError):
    """Not now; trying again helps."""


class StoreReadOnlyError(StorageError):
    """It can be read, but not written."""


class StoreCorruptError(StorageError):
    """Damaged, or not a store of this program."""


class StoreVersionError(StorageError):
    """Written by a newer version of this program."""
