"""The file behind the SQLite store: its schema, its connections, and what its errors mean.

WAL mode, so that readers never wait for a writer; one connection per thread and process, because
a connection must not cross a fork and a lock around a shared one would be held across I/O.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from ocr_rollout.stores.errors import (
    StorageError,
    StoreCorruptError,
    StoreReadOnlyError,
    StoreUnavailableError,
    StoreVersionError,
)
from ocr_rollout.stores.sqlite_schema import APPLICATION_ID, SCHEMA_VERSION, statements

LOOKS_S = (0.0005, 0.003)  # between two looks at a lock; a write holds it for 1 to 5 ms

# What SQLite's texts begin with (`sqlite3ErrStr`); Python 3.10 gives no error code.
_MEANING: tuple[tuple[str, type[StorageError], str], ...] = (
    ("file is not a database", StoreCorruptError, "it is not an SQLite file"),
    ("database disk image is malformed", StoreCorruptError, "the file is damaged"),
    ("malformed database schema", StoreCorruptError, "the file is damaged"),
    ("no such table", StoreCorruptError, "the file is damaged"),
    ("no such column", StoreCorruptError, "the file is damaged"),
    ("attempt to write a readonly database", StoreReadOnlyError, "the file cannot be written"),
)
_RESTORE = "restore a copy, or move it away to begin anew"
_PERMIT = "this user needs to write the file and its folder"
_HINTS = {StoreCorruptError: _RESTORE, StoreReadOnlyError: _PERMIT}

# In one statement, hence of one moment: another process may be making the tables just now.
_IDENTITY = """
SELECT user_version, application_id, (SELECT count(*) FROM sqlite_master)
FROM pragma_user_version, pragma_application_id
"""

T = TypeVar("T")


class _Open:
    """One thread's connection. Closed when the thread ends, or by `close`.

    file: which file it was on opening, (device, inode); another one may come to its path.
    """

    def __init__(self, connection: sqlite3.Connection, file: tuple[int, int] | None) -> None:
        self.connection = connection
        self.file = file
        self.pid = os.getpid()

    def __del__(self) -> None:
        """Python's connections are parts of cycles, and would wait for the collector."""
        if self.pid == os.getpid():
            self.connection.close()


_parents: list[_Open] = []  # connections from before a fork: closing them here could harm theirs


class SqliteFile:
    """Connections to one file.

    busy_s: how long a writer waits for the other writers before it gives up.
    """

    def __init__(self, path: Path, *, busy_s: float) -> None:
        self.path = path
        self._busy_s = busy_s
        self._local = threading.local()
        self._session = object()  # another one after `close`: every thread opens again
        self.known = False  # whether any thread has found or made the file

    def close(self) -> None:
        """Ends this thread's connection now, and the others' when they are next used or end."""
        self._session = object()
        self._local.open = None
        self.known = False

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Reads one moment of the store. Raises StorageError."""
        with self._named():
            connection = self._connection()
            connection.execute("BEGIN")
            try:
                return work(connection)
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")  # nothing was written; it ends the reading

    def write(self, work: Callable[[sqlite3.Connection], T], *, durable: bool = True) -> T:
        """One transaction, all or nothing. Raises StorageError; what `work` raises undoes it.

        durable: on the disk when this returns. Without it a power cut, though no crash of a
        process, may take the last seconds: enough for counts, which come every second.
        """
        with self._named():
            connection = self._connection()
            connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            self._patiently(connection, "BEGIN IMMEDIATE")
            try:
                self._version(connection)  # a newer process may have changed it meanwhile
                result = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            return result

    def forget(self) -> None:
        """Takes what was deleted out of the write-ahead log, too.

        Raises StorageError, also where somebody has been reading an older state for `busy_s`.
        """
        with self._named():
            connection = self._connection()
            if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                raise StoreUnavailableError(
                    str(self.path),
                    "what was deleted still stands in the write-ahead log, which others are "
                    "reading; delete again",
                )

    def _connection(self) -> sqlite3.Connection:
        """The thread's own, opened again after a fork and when another file has come to the path."""
        there: _Open | None = getattr(self._local, "open", None)
        if there is not None and there.pid != os.getpid():
            _parents.append(there)
            there = None
        known = self.known  # before looking: another thread may make the file after our look
        file = self._identity()
        if there is not None and self._local.session is self._session and there.file == file:
            return there.connection
        if file is None and known:
            # Going on would write into a file that nobody finds; a new one would lose all.
            raise StoreUnavailableError(
                str(self.path),
                "the file is gone; restore it without its old -wal and -shm, or restart to begin "
                "anew",
            )
        self._local.open = None
        connection = self._opened(exists=file is not None, known=known)
        self._local.open = _Open(connection, self._identity())
        self._local.session = self._session
        self.known = True
        return connection

    def _identity(self) -> tuple[int, int] | None:
        """Which file is at the path: (device, inode). None: there is none."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino

    def _opened(self, *, exists: bool, known: bool) -> sqlite3.Connection:
        if not exists and not self.path.parent.is_dir():
            raise StoreUnavailableError(
                str(self.path), f"there is no folder {self.path.parent}; create it"
            )
        connection = sqlite3.connect(
            self.path,
            timeout=self._busy_s,
            isolation_level=None,  # transactions begin where they are said to
            check_same_thread=False,  # only for closing: another thread may drop the last name
        )
        try:
            self._complete(connection, known=known)
            connection.execute("PRAGMA secure_delete=ON")  # what goes is overwritten
            connection.execute("PRAGMA journal_size_limit=16777216")
        except BaseException:
            connection.close()
            raise
        return connection

    def _version(self, connection: sqlite3.Connection) -> int:
        """0 for an empty file. Raises StorageError, having written nothing, on a strange one."""
        version, application, tables = connection.execute(_IDENTITY).fetchone()
        if application == 0 and version == 0 and tables == 0:
            return 0
        if application != APPLICATION_ID or version < 1:
            raise StoreCorruptError(
                str(self.path), "an SQLite file of another program; name another path"
            )
        if version > SCHEMA_VERSION:
            raise StoreVersionError(
                str(self.path),
                f"schema {version} was written by a newer version; this one knows up to "
                f"{SCHEMA_VERSION}: upgrade this process",
            )
        return int(version)

    def _complete(self, connection: sqlite3.Connection, *, known: bool) -> None:
        """Makes what is not there yet, except in a file that was there before and is empty now.

        known: whether it had been found or made before this look at it.
        """
        version = self._version(connection)
        if version == 0 and known:
            # A copy that is being put back begins so; tables made in it would spoil it.
            raise StoreUnavailableError(
                str(self.path), "the file is empty; restore it, or restart to begin anew"
            )
        if version < SCHEMA_VERSION:
            self._create(connection)

    def _create(self, connection: sqlite3.Connection) -> None:
        """Many processes may do it at once; one makes the tables, or those that are new."""
        (mode,) = self._patiently(connection, "PRAGMA journal_mode=WAL").fetchone()
        if mode != "wal":
            raise StoreUnavailableError(
                str(self.path), f"its file system has no WAL mode (got {mode}); use a local disk"
            )
        self._patiently(connection, "BEGIN IMMEDIATE")
        try:
            version = self._version(connection)
            if version < SCHEMA_VERSION:
                for statement in statements(version):
                    connection.execute(statement)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _patiently(self, connection: sqlite3.Connection, statement: str) -> sqlite3.Cursor:
        """Waits for a lock of others by asking often.

        SQLite's own waiting sleeps up to 100 ms between two looks, so a busy writer can starve the
        others for seconds; and for a change of the journal mode it does not wait at all.
        """
        deadline = time.monotonic() + self._busy_s
        connection.execute("PRAGMA busy_timeout=0")
        try:
            while True:
                try:
                    return connection.execute(statement)
                except sqlite3.OperationalError as error:
                    if "locked" not in str(error) or time.monotonic() > deadline:
                        raise
                time.sleep(random.uniform(*LOOKS_S))  # noqa: S311  # so that two do not keep step
        finally:
            connection.execute(f"PRAGMA busy_timeout={round(1000 * self._busy_s)}")

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        """SQLite's errors as ours, with the path in them."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._meaning(error) from error
        except json.JSONDecodeError as error:
            reason = f"a document in it is damaged ({error}); {_RESTORE}"
            raise StoreCorruptError(str(self.path), reason) from error
        except OSError as error:
            raise StoreUnavailableError(str(self.path), str(error)) from error

    def _meaning(self, error: sqlite3.Error) -> StorageError:
        text = str(error)
        for start, kind, meaning in _MEANING:
            if text.startswith(start):
                return kind(str(self.path), f"{meaning} ({text}); {_HINTS[kind]}")
        if text.startswith("unable to open database file"):
            return self._unopened(text)
        return StoreUnavailableError(str(self.path), text)

    def _unopened(self, text: str) -> StorageError:
        """A WAL file cannot even be read by one who cannot write its folder."""
        if self.path.is_dir():
            return StoreUnavailableError(str(self.path), "it is a folder; name a file")
        if self.path.is_file() and os.access(self.path, os.R_OK, effective_ids=True):
            return StoreReadOnlyError(
                str(self.path), f"the file's folder cannot be written ({text}); {_PERMIT}"
            )
        return StoreUnavailableError(str(self.path), f"it cannot be opened; {_PERMIT}")
