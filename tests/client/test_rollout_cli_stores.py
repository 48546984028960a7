"""A store that cannot be used: one line from every verb, and the file as it was."""

import contextlib
import os
import random
import shutil
import sqlite3
import tempfile
from pathlib import Path

import pytest
from desk import DIGEST, Desk, refused

NOBODY = 65_534
READING = (("status",), ("history",))
WRITING = (
    ("start", "--digest", DIGEST, "--by", "ann", "--no-server-check"),
    ("approve", "--by", "ann"),
    ("pause", "--by", "ann"),
    ("resume", "--by", "ann"),
    ("rollback", "--by", "ann", "--reason", "bad"),
    ("clear", DIGEST, "--by", "ann"),
    ("set-weight", "0.2", "--by", "ann"),
)
VERBS = (*READING, *WRITING)


@pytest.fixture
def desk(tmp_path):
    """With a rollout under way, and its file closed and whole."""
    desk = Desk(tmp_path).started()
    with contextlib.closing(sqlite3.connect(desk.db)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return desk


def each_refuses(desk, text, verbs=VERBS):
    before = desk.db.read_bytes()
    for words in verbs:
        refused(desk.run(*words), text)
    assert desk.db.read_bytes() == before


def test_a_file_that_is_no_database(desk):
    desk.db.write_bytes(b"not a database at all, but long enough to be read as one" * 50)
    each_refuses(desk, "rollout.db: it is not an SQLite file")


def test_a_damaged_file(desk):
    """Noise behind a good header."""
    content = desk.db.read_bytes()
    desk.db.write_bytes(content[:1_024] + random.Random(1).randbytes(len(content) - 1_024))
    each_refuses(desk, "restore a copy")


def test_a_damaged_document(desk):
    """Somebody edited the state by hand."""
    with contextlib.closing(sqlite3.connect(desk.db)) as connection, connection:
        connection.execute("""UPDATE state SET document = '{"schema": 1, "generation": 1}'""")
    verbs = [words for words in VERBS if words[0] != "history"]  # which does not need the state
    each_refuses(desk, "rollout.db: state: ", verbs)
    assert desk.run("history").exit_code == 0


def test_a_file_of_a_newer_version(desk):
    with contextlib.closing(sqlite3.connect(desk.db)) as connection:
        connection.execute("PRAGMA user_version=9")
    each_refuses(desk, "schema 9 was written by a newer version")


def test_a_state_of_a_newer_version(desk):
    """In a file that this version can read."""
    with contextlib.closing(sqlite3.connect(desk.db)) as connection, connection:
        connection.execute("UPDATE state SET document = json_set(document, '$.schema', 2)")
    verbs = [words for words in VERBS if words[0] != "history"]
    each_refuses(desk, "state: schema 2 was written by a newer version", verbs)


def test_a_folder_in_its_place_and_no_folder_at_all(tmp_path):
    """Before anything is made."""
    desk = Desk(tmp_path)
    desk.db.mkdir()
    for words in VERBS:
        refused(desk.run(*words), "it is a folder; name a file")
    nowhere = Desk(tmp_path, "rollout: {id: r}\nstore: {url: 'sqlite:///none/rollout.db'}")
    refused(nowhere.run(*WRITING[0]), "create it")
    assert not (tmp_path / "none").exists()


@pytest.fixture
def public():
    """A rollout in a folder that everybody may read and nobody but its owner may write."""
    folder = Path(tempfile.mkdtemp(prefix="desk-"))
    desk = Desk(folder).started()
    with contextlib.closing(sqlite3.connect(desk.db)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    desk.db.chmod(0o444)
    folder.chmod(0o555)
    yield desk
    folder.chmod(0o755)
    shutil.rmtree(folder)


@contextlib.contextmanager
def without_privileges():
    """Root may write everything; then the test goes on as nobody."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_that_may_not_be_written(public):
    """The line says what this user needs."""
    commands = (WRITING[2], WRITING[4], WRITING[6])  # those that would do something
    with without_privileges():
        each_refuses(public, "this user needs to write the file and its folder", commands)
    assert [entry["action"] for entry in public.history()] == ["start"]


@pytest.mark.parametrize("url", ["redis://127.0.0.1:9/0", "redis://:secret@127.0.0.1:9/0"])
def test_a_redis_that_is_down(tmp_path, url):
    """Named without its password."""
    pytest.importorskip("redis", reason="needs the extra [redis]")
    desk = Desk(tmp_path, f"rollout: {{id: r}}\nstore: {{url: '{url}'}}")
    for words in (*READING, WRITING[4]):
        result = desk.run(*words)
        refused(result, "127.0.0.1:9")
        assert "secret" not in result.stderr
