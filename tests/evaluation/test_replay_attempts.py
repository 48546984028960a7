"""One image through both arms: what is an outcome, and what is no reason to judge anybody."""

import itertools

import cv2
import numpy as np
import pytest
from made_replays import NEW, OLD

from ocr_client.config import ClientConfig, TritonSettings
from ocr_client.errors import (
    AccessError,
    ArmBusyError,
    ArmFailedError,
    ArmTimeoutError,
    BadAnswerError,
    ConnectionLostError,
    DrainingError,
    ModelMissingError,
    PreparationError,
    UnreachableError,
)
from ocr_client.fake import FakeTransport
from ocr_evaluation.labels import DatasetError
from ocr_evaluation.replay.attempts import Reader, StoppedError
from ocr_evaluation.replay.journal import Journal
from ocr_evaluation.replay.run import run
from ocr_evaluation.replay.sources import Folder

CONFIG = ClientConfig(triton=TritonSettings(deadline_s=8.0, candidate_deadline_s=3.0))
LINE = cv2.imencode(".png", np.full((32, 300), 200, np.uint8))[1].tobytes()


def reader(stable="old text", candidate="new text"):
    transport = FakeTransport({OLD: stable, NEW: candidate})
    made = Reader(CONFIG, OLD, NEW, transport=transport, clock=itertools.count(0.0, 0.25).__next__)
    return made, transport


def test_both_arms_read_it_by_name_each_in_the_time_that_it_has_in_production():
    made, transport = reader()
    found = made.read(1, "a.png", "d", LINE)
    assert (found.height, found.width, found.digest) == (32, 300, "d")
    assert (found.stable.text, found.candidate.text) == ("old text", "new text")
    assert found.stable.ms == found.candidate.ms == 250
    allotted = {asked.arm: asked.timeout_s for asked in transport.asked}
    assert allotted == {OLD: pytest.approx(8, abs=0.5), NEW: pytest.approx(3, abs=0.5)}


def test_they_take_turns_in_being_first():
    made, transport = reader()
    for number in (1, 2, 3):
        made.read(number, "a.png", "d", LINE)
    assert [asked.arm for asked in transport.asked] == [OLD, NEW, NEW, OLD, OLD, NEW]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ArmFailedError("x"), "server_error"),
        (PreparationError("x"), "server_error"),
        (ArmTimeoutError("x"), "timeout"),
        (ArmBusyError("x"), "timeout"),
        (BadAnswerError("x"), "invalid_response"),
        (ConnectionLostError("x"), "transport_error"),
    ],
)
def test_a_candidate_that_fails_has_that_outcome_and_stable_answers(error, outcome):
    made, _ = reader(candidate=error)
    found = made.read(1, "a.png", "d", LINE)
    assert (found.candidate.fault, found.candidate.why) == (outcome, "x")
    assert (found.stable.fault, found.stable.text) == (None, "old text")


@pytest.mark.parametrize("content", [b"", b"no image", LINE[:60]])
def test_what_is_no_image_is_nobodys_fault(content):
    made, transport = reader()
    found = made.read(1, "a.png", "d", content)
    assert found.stable == found.candidate
    assert (found.stable.fault, found.width) == ("client_fault", 0)
    assert not transport.asked


@pytest.mark.parametrize("error", [UnreachableError, DrainingError, ModelMissingError, AccessError])
@pytest.mark.parametrize("arm", ["stable", "candidate"])
def test_an_arm_that_cannot_be_asked_stops_the_reading(tmp_path, error, arm):
    """It says nothing about an image, so nothing is kept of this one; what was read before is."""
    for number in range(30):
        (tmp_path / f"{number}.png").write_bytes(
            cv2.imencode(".png", np.full((32, 300), number, np.uint8))[1].tobytes()
        )
    made, transport = reader()
    answered = itertools.count(1)
    broken = OLD if arm == "stable" else NEW

    def answer(image):
        if next(answered) > 10:
            raise error("gone")
        codepoints = np.zeros((len(image), image.shape[3] // 4), np.int32)
        codepoints[:, 0] = ord("a")
        return codepoints, np.ones(codepoints.shape, np.float32)

    transport.arms[broken] = answer
    folder = Folder(tmp_path)
    with Journal(tmp_path / "journal", OLD, NEW) as journal:
        with pytest.raises(StoppedError, match=r"at \d+\.png: gone"):
            run(folder, journal, lambda: made, threads=2)
        assert 1 <= len(journal.readings) <= 10
        transport.arms[broken] = "well again"
        seen = run(folder, journal, lambda: made, threads=2)
    assert (seen.partial, len(seen.readings)) == (False, 30)


def test_a_folder_whose_images_went_away_has_nothing_to_read(tmp_path):
    (tmp_path / "a.png").write_bytes(LINE)
    folder = Folder(tmp_path)
    (tmp_path / "a.png").unlink()
    with (
        Journal(tmp_path / "journal", OLD, NEW) as journal,
        pytest.raises(DatasetError, match="has no image to read"),
    ):
        run(folder, journal, reader, threads=1)
