"""A replay's journal: whoever is killed goes on from it, and nothing else is taken for one."""

import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_replays import BROKEN, NEW, OLD, answer, reading

from ocr_evaluation.replay.attempts import Reading
from ocr_evaluation.replay.journal import Journal, JournalError, usual_path
from ocr_rollout.core.routing import Arm

READINGS = [reading(k, BROKEN if k == 3 else answer(f"价税 {k}")) for k in range(6)]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "journal.jsonl"
    with Journal(path, OLD, NEW) as journal:
        for _, made in READINGS:
            journal.add(made)
    return path.read_bytes()


@given(cut=st.integers(0, 10_000))
def test_one_that_was_cut_anywhere_has_all_before(written, tmp_path_factory, cut):
    """Killed in the middle of a line, that line is read anew, and nothing is lost or doubled."""
    path = tmp_path_factory.mktemp("cut") / "journal.jsonl"
    content = written[: min(cut, len(written))]
    path.write_bytes(content)
    with Journal(path, OLD, NEW) as journal:
        had = dict(journal.readings)
        for _, made in READINGS:
            if made.digest not in had:
                journal.add(made)
    assert list(had.values()) == [made for _, made in READINGS][: len(had)]
    assert len(had) == max(0, content.count(b"\n") - 1)
    assert path.read_bytes() == written


def test_a_reading_comes_back_as_it_was():
    for _, made in READINGS:
        assert Reading.from_json(made.to_json()) == made


def test_it_is_for_its_owner_alone(tmp_path):
    with Journal(tmp_path / "new/journal.jsonl", OLD, NEW) as journal:
        assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "content", [b"model_routing: {}", b"{}\n", b"[1]\n{}", b'{"ocrctl replay":9}\n', b"\xff\n"]
)
def test_another_file_is_left_as_it_is(tmp_path, content):
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    with pytest.raises(JournalError, match=r"config\.yaml: is no journal; name another file"):
        Journal(path, OLD, NEW)
    assert path.read_bytes() == content


def test_of_other_arms_it_says_so(written, tmp_path):
    path = tmp_path / "journal.jsonl"
    path.write_bytes(written)
    with pytest.raises(JournalError, match="is of old:1 and new:2; name another"):
        Journal(path, OLD, Arm("new", 3))


def test_two_at_once_are_told(tmp_path):
    path = tmp_path / "journal.jsonl"
    with (
        Journal(path, OLD, NEW),
        pytest.raises(JournalError, match="another replay is writing it"),
    ):
        Journal(path, OLD, NEW)
    with Journal(path, OLD, NEW) as journal:
        assert journal.readings == {}


def test_where_it_cannot_be_written_is_one_line(tmp_path):
    with pytest.raises(JournalError, match="is a directory; name another with --journal"):
        Journal(tmp_path, OLD, NEW)


def test_each_source_and_pair_of_arms_has_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("OCR_ROLLOUT_STATE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    ways = [("a", OLD, NEW), ("b", OLD, NEW), ("a", NEW, OLD), ("redis://h/0", OLD, NEW)]
    paths = {usual_path(*way) for way in ways}
    assert len(paths) == 4
    assert {path.parent for path in paths} == {tmp_path / "replay"}
    assert usual_path(str(tmp_path / "a"), OLD, NEW) == usual_path("a", OLD, NEW)
