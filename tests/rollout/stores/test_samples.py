"""Samples, their images and their reviews: the same facts on memory, SQLite and a real Redis."""

from __future__ import annotations

import contextlib
import math
import sqlite3
import threading
import uuid
from pathlib import Path

import pytest
import redis

from ocr_rollout.stores import (
    CountBatch,
    CountDelta,
    DocumentError,
    LogEntry,
    ReviewStep,
    Sample,
    Span,
    SqliteStore,
    Store,
    StoreUnavailableError,
    Transition,
    open_store,
)

IMAGE = bytes(range(256)) * 40  # all bytes, such as a text connection would spoil
SECRET = "the text of a letter"


def put(store: Store, name: str, at_s: float = 100.0, **more) -> bool:
    return store.put_sample(Sample(name, at_s, 1e9, {"text": SECRET}, **more))


def reviewed(store: Store, name: str, before, after, n: int = 0) -> bool:
    counts = [CountDelta("reviews", 0, {"n": n}, 10**9)] if n else []
    return store.review_sample(ReviewStep(name, before, after, 100.0, counts))


def counted(store: Store) -> int:
    return sum(row.counts["n"] for row in store.counts(Span("reviews", 0, 1)))


def ids(store: Store, **which) -> list[str]:
    return [sample.id for sample in store.samples(-math.inf, math.inf, **which)]


def test_samples_are_kept_once_and_forgotten_in_time(store: Store):
    """The newest first; a second one with the same id changes nothing."""
    for n in range(4):
        assert store.put_sample(Sample(f"s{n}", 100.5 + n, 200 + n, {"text": f"第{n}"}))
    assert not store.put_sample(Sample("s1", 0, 1, {"text": "another"}))
    assert [s.id for s in store.samples(101.5, 103.5)] == ["s2", "s1"]
    assert ids(store, limit=2) == ["s3", "s2"]
    assert store.samples(0, 1000, limit=0) == ()
    assert store.sample("s2") == Sample("s2", 102.5, 202, {"text": "第2"})
    assert store.sample("missing") is None
    assert store.prune(202) == 3
    assert ids(store) == ["s3"]
    assert store.sample("s2") is None


def test_kinds_are_listed_apart(store: Store):
    """One id is one sample, whatever its kind."""
    assert put(store, "a")
    assert put(store, "b", kind="pair")
    assert not put(store, "b", kind="feedback")
    assert (ids(store), ids(store, kind="pair"), ids(store, kind="feedback")) == (["a"], ["b"], [])


def test_an_image_is_kept_beside_its_sample(store: Store):
    """A list has none, so that it stays short; it goes when the sample goes."""
    put(store, "with", image=IMAGE)
    put(store, "without")
    assert all(sample.image is None for sample in store.samples(0, 1000))
    assert store.sample("with").image is None
    assert store.sample_image("with") == IMAGE
    assert store.sample_image("without") is None
    assert store.sample_image("missing") is None
    store.prune(2e9)
    assert store.sample_image("with") is None


def test_of_a_kind_only_the_newest_are_kept(store: Store):
    """The oldest make room, reviewed or not; other kinds have a bound of their own."""
    put(store, "pair", kind="pair", at_s=1)
    for n in range(6):
        assert (
            put(store, f"s{n}", at_s=100 + n, image=IMAGE)
            if n < 3
            else store.put_sample(Sample(f"s{n}", 100 + n, 1e9, {}, image=IMAGE), keep=3)
        )
    assert ids(store) == ["s5", "s4", "s3"]
    assert ids(store, kind="pair") == ["pair"]
    assert store.sample_image("s0") is None
    assert store.sample_image("s5") == IMAGE


def test_a_review_replaces_the_one_that_was_read(store: Store):
    """Of two people who read the same state one is refused, and counts nothing."""
    put(store, "s")
    assert reviewed(store, "s", None, {"by": "ann"}, n=1)
    assert not reviewed(store, "s", None, {"by": "bo"}, n=10)
    assert store.sample("s").review == {"by": "ann"}
    assert reviewed(store, "s", {"by": "ann"}, {"by": "bo"}, n=100)
    assert store.sample("s").review == {"by": "bo"}
    assert not reviewed(store, "missing", None, {}, n=1_000)
    assert counted(store) == 101


def test_a_repeated_review_is_counted_once(store: Store):
    """Who got an error cannot know whether it landed, and writes it again."""
    put(store, "s")
    for _ in range(3):
        assert reviewed(store, "s", None, {"by": "ann"}, n=1)
    assert counted(store) == 1


def test_reviews_and_flushes_add_to_the_same_series(store: Store):
    put(store, "s")
    store.add(CountBatch("me", 1, 0, [CountDelta("reviews", 0, {"n": 5}, 10**9)]))
    assert reviewed(store, "s", None, {"by": "ann"}, n=2)
    assert counted(store) == 7


def test_of_many_reviewers_at_once_one_wins(store: Store):
    """As two browsers do that claim the same line."""
    put(store, "s")
    won = []
    barrier = threading.Barrier(8)

    def claim(name: str) -> None:
        barrier.wait()
        if reviewed(store, "s", None, {"by": name}, n=1):
            won.append(name)

    threads = [threading.Thread(target=claim, args=(f"r{k}",)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert store.sample("s").review == {"by": won[0]}
    assert counted(store) == 1


def test_deleting_takes_text_review_and_image(store: Store):
    """What was counted stays: it names nobody."""
    for name in ("a", "b", "c"):
        put(store, name, image=IMAGE)
    reviewed(store, "a", None, {"by": "ann"}, n=1)
    assert store.delete_samples(["a", "b", "missing"]) == 2
    assert store.delete_samples([]) == 0
    assert ids(store) == ["c"]
    assert store.sample("a") is None
    assert store.sample_image("a") is None
    assert not reviewed(store, "a", {"by": "ann"}, {"by": "bo"}, n=1)
    assert counted(store) == 1


@pytest.mark.parametrize(
    "sample",
    [
        Sample("x", math.nan, 1, {}),
        Sample("x", 1, 1, {}, kind="other"),
        Sample("x", 1, 1, {}, image=bytes(2**20 + 1)),
        Sample("two words", 1, 1, {}),
    ],
)
def test_a_sample_that_cannot_be_is_refused(store: Store, sample: Sample):
    """It could never be found, listed or forgotten."""
    with pytest.raises(DocumentError):
        store.put_sample(sample)
    assert ids(store) == []


def holds(folder: Path, *words: bytes) -> bool:
    files = [path.read_bytes() for path in folder.iterdir()]
    return any(word in content for word in words for content in files)


def test_nothing_of_a_deleted_sample_is_left_in_the_file(tmp_path: Path):
    """Neither in the database nor in its write-ahead log, also while others read all the time."""
    store = SqliteStore(tmp_path / "rollout.db")
    for n in range(20):
        put(store, f"s{n}", image=b"picture of a letter" * 900)
    reviewed(store, "s3", None, {"truth": SECRET})
    assert holds(tmp_path, SECRET.encode())
    assert holds(tmp_path, b"picture of a letter")
    end = threading.Event()

    def read() -> None:
        other = SqliteStore(tmp_path / "rollout.db")
        while not end.is_set():
            other.samples(0, 1e9)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        assert store.delete_samples([f"s{n}" for n in range(20)]) == 20
        assert not holds(tmp_path, SECRET.encode(), b"picture of a letter")
    finally:
        end.set()
        for reader in readers:
            reader.join()


def test_who_cannot_delete_for_good_says_so(tmp_path: Path):
    """Somebody holds an older state open; the same order works when he is done."""
    store = SqliteStore(tmp_path / "rollout.db", busy_s=0.2)
    put(store, "s")
    with contextlib.closing(sqlite3.connect(tmp_path / "rollout.db")) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM samples").fetchall()
        with pytest.raises(StoreUnavailableError, match="write-ahead log"):
            store.delete_samples(["s"])
        assert store.sample("s") is None
    assert store.delete_samples(["s"]) == 0
    assert not holds(tmp_path, SECRET.encode())


def test_nothing_of_a_deleted_sample_is_left_in_redis(redis_server):
    """No key names it any more."""
    prefix = uuid.uuid4().hex
    store = open_store(f"{redis_server.url}?prefix={prefix}")
    put(store, "s", image=IMAGE)
    store.delete_samples(["s"])
    with redis.Redis(port=redis_server.port, decode_responses=True) as client:
        assert client.keys(f"{{{prefix}}}:*") == [f"{{{prefix}}}:schema"]


def test_a_file_of_the_first_version_goes_on(tmp_path: Path):
    """State and log stay; the tables of samples are made anew, once."""
    path = tmp_path / "rollout.db"
    store = SqliteStore(path)
    store.commit(Transition(0, {"generation": 1}, LogEntry({})))
    store.close()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "DROP TABLE samples; DROP TABLE images; PRAGMA user_version=1;"
            "CREATE TABLE samples (id TEXT PRIMARY KEY, at_s REAL, expires_s REAL, document TEXT,"
            "review TEXT) WITHOUT ROWID; CREATE INDEX samples_by_time ON samples (at_s, id);"
        )
    stores = [SqliteStore(path) for _ in range(4)]
    threads = [threading.Thread(target=opened.state) for opened in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    again = SqliteStore(path)
    assert again.state().generation == 1
    assert len(again.history()) == 1
    assert put(again, "s", image=IMAGE)
    assert again.sample_image("s") == IMAGE
