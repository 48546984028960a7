"""A store in one SQLite file, for all processes of a host: the default. On a local disk only."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Collection, Sequence
from pathlib import Path

from ocr_rollout.stores.documents import (
    check_batch,
    check_name,
    check_transition,
    decode,
    encode,
    generation_of,
)
from ocr_rollout.stores.protocol import (
    Added,
    Committed,
    CountBatch,
    CountRow,
    Document,
    Lease,
    LogEntry,
    Message,
    Recorded,
    Span,
    Stored,
    Transition,
)
from ocr_rollout.stores.sqlite_counts import add_batch
from ocr_rollout.stores.sqlite_file import SqliteFile
from ocr_rollout.stores.sqlite_samples import SqliteSamples

POLL_S = 0.05  # between looks for a change: one read of shared memory, about 5 microseconds


class SqliteStore(SqliteSamples):
    """Raises StorageError from every method. The file is made by the first call that needs it.

    path: of the file; `-wal` and `-shm` beside it belong to it.
    busy_s: how long a call waits for other processes' writing.
    """

    def __init__(self, path: Path | str, *, busy_s: float = 5.0) -> None:
        self.path = Path(path).absolute()
        self._file = SqliteFile(self.path, busy_s=busy_s)

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    @property
    def absent(self) -> bool:
        """The file is not there yet. One that was there, and is gone, is lost and not absent."""
        return not self._file.known and not self.path.exists()

    def close(self) -> None:
        self._file.close()

    def state(self) -> Stored | None:
        return self._file.run(_state)

    def wait_for_change(self, generation: int, timeout_s: float) -> Stored | None:
        deadline = time.monotonic() + timeout_s
        seen: int | None = None
        while True:
            version = self._file.run(_data_version)
            if version != seen:  # some connection has written, counts perhaps
                seen = version
                state = self.state()
                if (state.generation if state else 0) != generation:
                    return state
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return self.state()
            time.sleep(min(POLL_S, left_s))

    def commit(self, transition: Transition) -> Committed:
        check_transition(transition)
        text, entry = encode(transition.document), encode(transition.audit.document)
        messages = [(message.id, encode(message.document)) for message in transition.messages]

        def work(connection: sqlite3.Connection) -> Committed:
            found = connection.execute(
                "SELECT 1 FROM audit WHERE id = ?", (transition.audit.id,)
            ).fetchone()
            if found is not None:
                return Committed(True, _state(connection))
            if transition.expected != _generation(connection):
                return Committed(False, _state(connection))
            connection.execute(
                "INSERT OR REPLACE INTO state VALUES (1, ?, ?)", (transition.expected + 1, text)
            )
            _record(connection, transition.audit.id, entry)
            connection.executemany(
                "INSERT OR IGNORE INTO outbox (id, document) VALUES (?, ?)", messages
            )
            return Committed(True, _state(connection))

        return self._file.write(work)

    def refresh(self, document: Document) -> bool:
        generation, text = generation_of(document), encode(document)

        def work(connection: sqlite3.Connection) -> bool:
            done = connection.execute(
                "UPDATE state SET document = ? WHERE generation = ?", (text, generation)
            )
            return done.rowcount == 1

        return self._file.write(work, durable=False)

    def record(self, entry: LogEntry) -> int:
        check_name("log entry's id", entry.id)
        text = encode(entry.document)
        return self._file.write(lambda connection: _record(connection, entry.id, text))

    def history(self, after: int = 0, limit: int = 100) -> Sequence[Recorded]:
        def work(connection: sqlite3.Connection) -> Sequence[Recorded]:
            rows = connection.execute(
                "SELECT sequence, id, document FROM audit WHERE sequence > CASE WHEN ?1 >= 0 "
                "THEN ?1 ELSE (SELECT coalesce(max(sequence), 0) FROM audit) + ?1 END "
                "ORDER BY sequence LIMIT ?2",
                (after, max(0, limit)),
            )
            return tuple(Recorded(at, LogEntry(decode(text), name)) for at, name, text in rows)

        return self._file.run(work)

    def add(self, batch: CountBatch) -> Added:
        check_batch(batch)
        return self._file.write(lambda connection: add_batch(connection, batch), durable=False)

    def counts(self, *spans: Span) -> Sequence[CountRow]:
        def work(connection: sqlite3.Connection) -> Sequence[CountRow]:
            return tuple(
                CountRow(span.series, start_s, json.loads(text))
                for span in spans
                for start_s, text in connection.execute(
                    "SELECT start_s, counts FROM counts "
                    "WHERE series = ? AND start_s >= ? AND start_s < ? ORDER BY start_s",
                    (span.series, span.since_s, span.until_s),
                )
            )

        return self._file.run(work)

    def lease(
        self,
        owner: str,
        *,
        now_s: float,
        lease_s: float,
        limit: int = 1,
        targets: Collection[str] | None = None,
    ) -> Sequence[Lease]:
        check_name("owner", owner)

        def work(connection: sqlite3.Connection) -> Sequence[Lease]:
            rows = _sendable(connection, now_s, limit, targets)
            connection.executemany(
                "UPDATE outbox SET due_s = ?, owner = ?, attempts = attempts + 1 WHERE id = ?",
                [(now_s + lease_s, owner, name) for name, _, _ in rows],
            )
            return tuple(
                Lease(Message(decode(text), name), owner, attempts + 1, now_s + lease_s)
                for name, text, attempts in rows
            )

        if not self._file.run(lambda connection: _sendable(connection, now_s, limit, targets)):
            return ()  # nearly always: without waiting for a writer
        return self._file.write(work)

    def postpone(self, lease: Lease, until_s: float) -> bool:
        def work(connection: sqlite3.Connection) -> bool:
            done = connection.execute(
                "UPDATE outbox SET due_s = ? WHERE id = ? AND owner = ? AND attempts = ?",
                (until_s, lease.message.id, lease.owner, lease.attempt),
            )
            return done.rowcount == 1

        return self._file.write(work)

    def settle(self, lease: Lease) -> bool:
        def work(connection: sqlite3.Connection) -> bool:
            done = connection.execute(
                "DELETE FROM outbox WHERE id = ? AND owner = ? AND attempts = ?",
                (lease.message.id, lease.owner, lease.attempt),
            )
            return done.rowcount == 1

        return self._file.write(work)

    def prune(self, now_s: float) -> int:
        def work(connection: sqlite3.Connection) -> int:
            return sum(
                connection.execute(statement, (now_s,)).rowcount
                for statement in (
                    "DELETE FROM counts WHERE expires_s <= ?",
                    "DELETE FROM seen WHERE expires_s <= ?",
                    "DELETE FROM sources WHERE expires_s <= ?",
                    "DELETE FROM samples WHERE expires_s <= ?",
                )
            )

        return self._file.write(work, durable=False)


def _data_version(connection: sqlite3.Connection) -> int:
    """Another number whenever another connection has written."""
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def _generation(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT generation FROM state").fetchone()
    return int(row[0]) if row else 0


def _state(connection: sqlite3.Connection) -> Stored | None:
    row = connection.execute("SELECT generation, document FROM state").fetchone()
    return Stored(row[0], decode(row[1])) if row else None


def _sendable(
    connection: sqlite3.Connection, now_s: float, limit: int, targets: Collection[str] | None
) -> list[tuple[str, str, int]]:
    """Id, document and attempts: of each target's messages the oldest, if it is due."""
    return connection.execute(
        "SELECT id, document, attempts FROM outbox WHERE due_s <= ? AND sequence IN (SELECT "
        "min(sequence) FROM outbox GROUP BY json_extract(document, '$.target'), "
        "CASE WHEN json_extract(document, '$.target') IS NULL THEN id END) "
        "AND (? OR json_extract(document, '$.target') IN (SELECT value FROM json_each(?))) "
        "ORDER BY sequence LIMIT ?",
        (now_s, targets is None, json.dumps([*(targets or ())]), max(0, limit)),
    ).fetchall()


def _record(connection: sqlite3.Connection, name: str, text: str) -> int:
    connection.execute("INSERT OR IGNORE INTO audit (id, document) VALUES (?, ?)", (name, text))
    row = connection.execute("SELECT sequence FROM audit WHERE id = ?", (name,)).fetchone()
    return int(row[0])
