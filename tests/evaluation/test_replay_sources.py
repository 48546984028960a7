"""Where a replay's images come from: folders and stores, in an order that is the same each time."""

import time

import pytest

from ocr_client.operations.refused import RefusedError
from ocr_evaluation.labels import DatasetError
from ocr_evaluation.replay.sources import Folder, opened
from ocr_rollout.stores import Sample, SqliteStore, StoreError, StoreURLError

PICTURE = b"\x89PNG not really"


@pytest.fixture
def store(tmp_path):
    made = SqliteStore(tmp_path / "50% of it.db")
    yield made
    made.close()


def put(store, name, at_s, *, image=PICTURE, kind="line", review=None, lasts_s=1e6):
    expires_s = time.time() + lasts_s
    sample = Sample(name, at_s, expires_s, {"schema": 1}, review, kind=kind, image=image)
    assert store.put_sample(sample)


def test_a_folder_is_mixed_the_same_way_each_time(tmp_path):
    """Names say what is in an image, and traffic is not sorted by that."""
    (tmp_path / "below").mkdir()
    names = [f"{kind}_{k:02}.png" for kind in ("below/print", "sign") for k in range(20)]
    for name in names:
        (tmp_path / name).write_bytes(PICTURE)
    (tmp_path / "notes.txt").write_text("no image")
    found = [picture.name for picture in Folder(tmp_path).pictures]
    assert sorted(found) == names
    assert found == [picture.name for picture in opened(str(tmp_path)).pictures]
    assert 4 < sum("print" in name for name in found[:20]) < 16


def test_labels_say_what_stands_there_and_what_is_wrong_with_them_is_counted(tmp_path):
    for name in ("a.png", "b.png", "c.png"):
        (tmp_path / name).write_bytes(PICTURE)
    rows = (
        "file\ttext\tcategory\na.png\tA\tprint\na.png\tB\tprint\ngone.png\tC\tprint\nb.png\t\tx\n"
    )
    (tmp_path / "labels.tsv").write_text(rows)
    folder = Folder(tmp_path)
    assert {p.name: p.truth for p in folder.pictures} == {
        "a.png": "A",
        "b.png": None,
        "c.png": None,
    }
    assert folder.said == {
        "rows without a text": 1,
        "rows whose image is not there": 1,
        "images without a row": 1,
        "rows that name an image again": 1,
    }


def test_a_file_that_goes_away_meanwhile_has_no_content(tmp_path):
    (tmp_path / "a.png").write_bytes(PICTURE)
    folder = Folder(tmp_path)
    (tmp_path / "a.png").unlink()
    assert folder.content(folder.pictures[0]) is None


def test_a_store_gives_its_samples_as_the_requests_came(store):
    """Lines and pairs; reviewed ones with their texts; none that has expired; no feedback."""
    done = {"status": "done", "by": "ann", "truth": "TOTAL", "kind": "print"}
    put(store, "late", 30.0, review=done)
    put(store, "pair-early", 10.0, kind="pair", image=b"another")
    put(store, "blind", 20.0, image=None, review={"status": "claimed", "by": "ann"})
    put(store, "gone", 5.0, lasts_s=-1.0)
    put(store, "said", 1.0, kind="feedback", image=None)
    for where in (str(store.path), store.url.replace("%", "%25")):
        source = opened(where)
        assert [(p.name, p.truth) for p in source.pictures] == [
            ("pair-early", None),
            ("blind", None),
            ("late", "TOTAL"),
        ]
        assert [source.content(p) for p in source.pictures] == [b"another", None, PICTURE]
        source.close()


def test_an_empty_store_says_how_to_keep_images(store):
    store.state()
    with pytest.raises(DatasetError, match=r"holds no sample; .*keep_images: true"):
        opened(str(store.path))


MISTAKES = [
    # what is given -> error, what is said
    ("nothing", DatasetError, "nothing: no such file or directory; name a store, or a folder"),
    ("file.txt", DatasetError, "file.txt is no store; name one, or a folder of images"),
    ("empty", DatasetError, "empty holds no image"),
    ("sqlite:///nothing.db", DatasetError, "nothing.db is not there; name a store"),
    ("memory:", RefusedError, "only its own process sees"),
    ("mysql://here/db", StoreURLError, "is not the URL of a store"),
]


@pytest.mark.parametrize(("where", "error", "said"), MISTAKES)
def test_a_mistake_is_one_line_and_makes_nothing(tmp_path, monkeypatch, where, error, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.txt").write_text("no store")
    with pytest.raises(error) as raised:
        opened(where)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert {path.name for path in tmp_path.iterdir()} == {"empty", "file.txt"}


def test_a_store_that_is_damaged_is_one_line(tmp_path):
    (tmp_path / "bad.db").write_bytes(b"SQLite format 3\0 and nothing of it")
    with pytest.raises(StoreError) as raised:
        opened(str(tmp_path / "bad.db"))
    assert "\n" not in str(raised.value)
