"""A gate with all that there may be to see, written as a report once for all tests of its looks."""

import pytest
from gate import CANDIDATE, STABLE, Gate
from made_readings import answer

from ocr_evaluation.ab_report import write
from ocr_evaluation.labels import Line
from ocr_evaluation.reading import Read
from ocr_rollout.core.routing import Arm

ARMS = (Arm.parse(STABLE), Arm.parse(CANDIDATE))


@pytest.fixture(scope="session")
def full_gate(tmp_path_factory):
    return Gate(tmp_path_factory.mktemp("gate")).full()


@pytest.fixture
def ab_test(tested, tmp_path):
    """Writes an A/B test of both arms: rows of (truth, stable's text, the candidate's)."""

    def make(rows, **rest):
        reads = [
            Read(Line(f"{k}.png", truth, "print"), tuple(map(answer, texts)))
            for k, (truth, *texts) in enumerate(rows)
        ]
        write(tested(reads, arms=ARMS, **rest), tmp_path / "ab")
        return tmp_path / "ab"

    return make


@pytest.fixture
def ab_folder(tested, tmp_path):
    """An A/B test of both arms on 60 lines of three kinds, one of them in Chinese."""
    reads = [
        Read(
            Line(f"{k}.png", "发票号码", kind),
            (
                answer("发票号码" if k % 4 else "发栗号吗", confidence=0.6 + k / 200),
                answer("发票号码" if k % 6 else "发票号吗", confidence=0.7 + k / 250),
            ),
        )
        for k, kind in enumerate(["print", "街道 $1 招牌 $2", "handwriting"] * 20)
    ]
    write(tested(reads, arms=ARMS), tmp_path / "ab")
    return tmp_path / "ab"
