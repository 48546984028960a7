"""The tables of the SQLite store, and how those of an older version become today's."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

APPLICATION_ID = 0x4F43524F  # "OCRO" in the file's header: it is a store of this program
SCHEMA_VERSION = 2  # in `PRAGMA user_version`, set in the transaction that makes the tables

_FIRST = """
CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), generation INTEGER, document TEXT);
CREATE TABLE audit (sequence INTEGER PRIMARY KEY, id TEXT UNIQUE, document TEXT);
CREATE TRIGGER audit_stays BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_holds BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TABLE outbox (sequence INTEGER PRIMARY KEY, id TEXT UNIQUE, document TEXT,
    due_s REAL DEFAULT 0, attempts INTEGER DEFAULT 0, owner TEXT DEFAULT '');
CREATE TABLE counts (series TEXT, start_s INTEGER, counts TEXT, expires_s INTEGER,
    PRIMARY KEY (series, start_s)) WITHOUT ROWID;
CREATE TABLE seen (scope TEXT, window_s INTEGER, bits BLOB, expires_s INTEGER,
    PRIMARY KEY (scope, window_s)) WITHOUT ROWID;
CREATE TABLE sources (source TEXT PRIMARY KEY, sequence INTEGER, expires_s REAL) WITHOUT ROWID;
"""

# Version 1 had samples that nobody wrote. Images lie apart, for a row that is listed is short.
_SECOND = """
DROP TABLE IF EXISTS samples;
CREATE TABLE samples (id TEXT PRIMARY KEY, kind TEXT, at_s REAL, expires_s REAL, document TEXT,
    review TEXT) WITHOUT ROWID;
CREATE INDEX samples_by_time ON samples (kind, at_s, id);
CREATE TABLE images (id TEXT UNIQUE, image BLOB);
CREATE TRIGGER images_go AFTER DELETE ON samples
    BEGIN DELETE FROM images WHERE id = old.id; END;
"""

_STEPS = (_FIRST, _SECOND)


def statements(version: int) -> Iterator[str]:
    """What makes today's tables of those of a version; 0: of an empty file."""
    for step in _STEPS[version:]:
        yield from _split(step)
    yield f"PRAGMA application_id={APPLICATION_ID}"
    yield f"PRAGMA user_version={SCHEMA_VERSION}"


def _split(script: str) -> Iterator[str]:
    """One by one: a trigger holds semicolons of its own, and `executescript` ends transactions."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
