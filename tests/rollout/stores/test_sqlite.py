"""What can be wrong with a file: one clear line that names it, and the file left as it was."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ocr_rollout.stores import (
    LogEntry,
    SqliteStore,
    StorageError,
    StoreCorruptError,
    StoreReadOnlyError,
    StoreUnavailableError,
    StoreVersionError,
    Transition,
)
from ocr_rollout.stores.sqlite_file import SqliteFile

NOBODY = 65_534


def step(expected: int) -> Transition:
    return Transition(expected, {"generation": expected + 1}, LogEntry({}))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rollout.db"


@pytest.fixture
def written(path: Path) -> Path:
    """A closed store with one step in it."""
    store = SqliteStore(path)
    store.commit(step(0))
    store.close()
    return path


def refused(kind: type[StorageError], path: Path, text: str) -> None:
    """Reading and writing both fail with one line that names the path."""
    store = SqliteStore(path, busy_s=0.1)
    for call in (store.state, lambda: store.commit(step(1))):
        with pytest.raises(kind) as caught:
            call()
        line = str(caught.value)
        assert len(line.splitlines()) == 1
        assert line.startswith(f"{path}: ")
        assert text in line


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"not a database at all, but long enough to be read as one" * 50, "not an SQLite file"),
        (b"SQLite format 3\0" + bytes(range(256)) * 40, ""),
    ],
)
def test_a_file_that_is_no_database_is_left_alone(path, content, text):
    """Whatever it is, it may be somebody's."""
    path.write_bytes(content)
    refused(StoreCorruptError, path, text)
    assert path.read_bytes() == content


def test_a_damaged_file_is_named(written):
    """Pages overwritten with noise, behind a good header."""
    content = bytearray(written.read_bytes())
    content[1024:] = os.urandom(len(content) - 1024)
    written.write_bytes(content)
    refused(StoreCorruptError, written, "restore a copy")
    assert written.read_bytes() == content


def test_a_damaged_document_is_named(written):
    """Somebody edited the file by hand."""
    with contextlib.closing(sqlite3.connect(written)) as connection, connection:
        connection.execute("UPDATE state SET document = '{'")
    with pytest.raises(StoreCorruptError, match=r"rollout\.db: a document in it is damaged"):
        SqliteStore(written).state()


def test_a_database_of_another_program_is_left_alone(path):
    """It gets no tables of ours."""
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE theirs (x)")
    before = path.read_bytes()
    refused(StoreCorruptError, path, "another program")
    assert path.read_bytes() == before


def test_a_store_of_a_newer_version_is_left_alone(written):
    """Says which version, and what to do."""
    with contextlib.closing(sqlite3.connect(written)) as connection:
        connection.execute("PRAGMA user_version=9")
    before = written.read_bytes()
    refused(StoreVersionError, written, "schema 9 was written by a newer version")
    assert written.read_bytes() == before


def test_a_process_notices_that_a_newer_one_changed_the_store(written):
    """While it runs, before it writes anything."""
    store = SqliteStore(written)
    assert store.state().generation == 1
    with contextlib.closing(sqlite3.connect(written)) as connection:
        connection.execute("PRAGMA user_version=9")
    with pytest.raises(StoreVersionError):
        store.commit(step(1))


@contextlib.contextmanager
def without_privileges() -> Iterator[None]:
    """Root may write everything; then the test goes on as nobody."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def public(written) -> Iterator[Path]:
    """The store in a folder that everybody may enter and nobody but its owner may write."""
    folder = Path(tempfile.mkdtemp(prefix="store-"))
    moved = folder / "rollout.db"
    shutil.copy(written, moved)
    moved.chmod(0o444)
    folder.chmod(0o555)
    yield moved
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_store_that_may_not_be_written_says_so(public):
    """File and folder: neither can be written."""
    before = public.read_bytes()
    with without_privileges():
        refused_writing(public)
    assert public.read_bytes() == before


def test_a_file_that_may_not_be_written_in_a_folder_that_may(public):
    """The state can be read, and writing says what is missing."""
    public.parent.chmod(0o777)
    with without_privileges():
        assert SqliteStore(public).state().generation == 1
        refused_writing(public)


def test_a_store_that_may_not_even_be_read_says_so(public):
    """Who needs which right."""
    public.chmod(0o000)
    with without_privileges(), pytest.raises(StoreUnavailableError, match="needs to write"):
        SqliteStore(public).state()


def refused_writing(path: Path) -> None:
    with pytest.raises(StoreReadOnlyError) as caught:
        SqliteStore(path).commit(step(1))
    assert str(caught.value).startswith(f"{path}: the file")
    assert "this user needs to write" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_folder_in_place_of_the_file(tmp_path):
    """Says what it found."""
    refused(StoreUnavailableError, tmp_path, "it is a folder")


def test_a_missing_folder_is_not_made(tmp_path):
    """A typing error would make folders anywhere."""
    refused(StoreUnavailableError, tmp_path / "none" / "rollout.db", "there is no folder")
    assert list(tmp_path.iterdir()) == []


def test_a_writer_that_never_ends_is_waited_for_only_so_long(written):
    """Readers go on; writers say that it is locked."""
    store = SqliteStore(written, busy_s=0.05)
    with contextlib.closing(sqlite3.connect(written, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert store.state().generation == 1
        with pytest.raises(StoreUnavailableError, match=r"rollout\.db: database is locked"):
            store.commit(step(1))
        other.execute("ROLLBACK")
    assert store.commit(step(1)).won


def test_a_file_that_was_taken_away_is_not_begun_anew(written):
    """Going on in an unseen file, or in an empty one, would both lose the state."""
    store = SqliteStore(written)
    store.state()
    written.unlink()
    with ThreadPoolExecutor(1) as another, pytest.raises(StoreUnavailableError):
        another.submit(store.state).result()
    for _ in range(2):
        with pytest.raises(StoreUnavailableError, match="the file is gone"):
            store.state()
    assert not written.exists()


def test_a_copy_that_was_brought_back_is_read(written, tmp_path):
    """Although the old file is still open."""
    shutil.copy(written, tmp_path / "copy.db")
    store = SqliteStore(written)
    store.commit(step(1))
    written.unlink()
    for name in ("rollout.db-wal", "rollout.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / "copy.db").rename(written)
    assert store.wait_for_change(2, 5).generation == 1
    assert store.commit(step(1)).won


def test_a_copy_that_is_only_beginning_to_come_back_is_left_alone(written, tmp_path):
    """`cp` begins with an empty file; tables made in it would spoil what is being put back."""
    shutil.copy(written, tmp_path / "copy.db")
    store = SqliteStore(written)
    store.state()
    for file in written.parent.glob(f"{written.name}*"):
        file.unlink()
    written.touch()
    for ask in (store.state, lambda: store.commit(step(1))):
        with pytest.raises(StoreUnavailableError, match="the file is empty; restore it"):
            ask()
    assert written.stat().st_size == 0
    written.write_bytes((tmp_path / "copy.db").read_bytes())
    assert store.state().generation == 1


def test_two_threads_that_both_find_no_file_make_it_together(path, monkeypatch):
    """The second one's look at the empty file may be older than the first one's tables."""
    store = SqliteStore(path)
    look = SqliteFile._version
    slow = threading.get_ident()
    seen = []

    def looks(self, connection):
        version = look(self, connection)
        if threading.get_ident() == slow and not seen:
            seen.append(version)
            other = threading.Thread(target=store.commit, args=(step(0),))
            other.start()
            other.join(30)
        return version

    monkeypatch.setattr(SqliteFile, "_version", looks)
    assert store.state().generation == 1
    assert seen == [0]


def test_a_full_disk_is_named_and_loses_nothing_written(path, spawn):
    """The limit on the size of files stands in for the disk."""
    worker = spawn(f"sqlite:///{path}", "fill")
    worker.stdin.write("go\n")
    worker.stdin.flush()
    worker.stdout.readline()
    name, line = worker.stdout.readline().rstrip("\n").split(" ", 1)
    assert name == "StoreUnavailableError"
    assert line.startswith(f"{path}: ")
    worker.wait()
    store = SqliteStore(path)
    assert store.commit(step(0)).won
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("statement", ["DELETE FROM audit", "UPDATE audit SET document = '{}'"])
def test_the_log_cannot_be_rewritten_even_by_hand(written, statement):
    """Append-only is the file's own rule."""
    with (
        contextlib.closing(sqlite3.connect(written)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        connection.execute(statement)


def test_the_file_is_in_wal_mode(written):
    """So that readers never wait for a writer."""
    with contextlib.closing(sqlite3.connect(written)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
