"""The journal and the history survive what a kill or a person does to them."""

from __future__ import annotations

import dataclasses

import pytest

from ocr_client.versions.errors import RepositoryError, UnfinishedError
from ocr_client.versions.journal import Event, History, Journal, Transaction
from ocr_client.versions.places import Repository
from ocr_rollout.core.routing import Arm

ONE = Transaction(
    "id1", "publish", "crnn", 2, "staged", "before", None, "stage/id1", False, {"sha256": "d"}, 1.5
)


def test_a_transaction_comes_back_equal_step_by_step(tmp_path):
    journal = Journal(tmp_path)
    assert journal.read() is None
    journal.write(ONE)
    assert journal.read() == ONE
    journal.at(ONE, "proven")
    assert journal.read() == dataclasses.replace(ONE, step="proven")
    journal.clear()
    journal.clear()
    assert journal.read() is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"schema": 2}', '{"schema": 1}', '{"schema": 1, "id": 3, "more": 4}'],
)
def test_a_journal_that_cannot_be_read_is_never_passed_over(tmp_path, text):
    """Whoever goes on without it might delete what is served."""
    (tmp_path / "transaction.json").write_text(text)
    with pytest.raises(UnfinishedError, match="then delete this file") as error:
        Journal(tmp_path).read()
    assert "\n" not in str(error.value)


def test_unknown_steps_are_refused(tmp_path):
    journal = Journal(tmp_path)
    journal.write(dataclasses.replace(ONE, step="almost"))
    with pytest.raises(UnfinishedError, match="publish almost is unknown"):
        journal.read()


def event(number, verb="publish"):
    return Event(float(number), verb, Arm("crnn", number), f"id{number}", {"sha256": "d"})


def test_history_keeps_order_and_the_last_word(tmp_path):
    history = History(tmp_path)
    assert list(history.events()) == []
    for number in (2, 3, 2):
        history.add(event(number))
    history.add(event(2, "retire"))
    assert [found.arm.version for found in history.events()] == [2, 3, 2, 2]
    assert history.last(Arm("crnn", 2)).verb == "retire"
    assert history.last(Arm("crnn", 9)) is None


def test_a_line_that_a_kill_cut_short_is_passed_over(tmp_path):
    """And the next one begins on a line of its own."""
    history, path = History(tmp_path), tmp_path / "history.jsonl"
    history.add(event(2))
    whole = path.read_bytes()
    for size in range(1, len(whole)):
        path.write_bytes(whole + whole[:size])
        history.add(event(3))
        known = [found.arm.version for found in history.events()]
        assert (known[0], known[-1]) == (2, 3)


def test_the_workplace_lies_beside_the_repository(tmp_path):
    """Within it Triton would take it for a model; a link is followed to where it points."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    for name in ("real", "link"):
        found = Repository.at(tmp_path / name)
        assert (found.root, found.work) == (tmp_path / "real", tmp_path / ".real.versions")
    for inside in ("real", "real/x", "link/x"):
        with pytest.raises(RepositoryError, match="must lie outside"):
            Repository.at(tmp_path / "real", tmp_path / inside)
