"""What the benchmark of too much load calls good, and what it does not."""

from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STEADY = [100.0] * 12


@pytest.fixture
def judged(monkeypatch):
    """Whether each goal is met, of statuses, seconds of the accepted, and memory."""
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks.overload import Tally, _rows

    def judge(statuses, accepted_s=(1.0,), resident=STEADY, broken=()):
        tally = Tally(Counter(statuses), list(accepted_s), list(broken))
        rows = _rows([tally], list(resident), 1, 1.0)
        return [row.met for row in rows if row.met is not None]

    return judge


def test_answers_and_orderly_refusals_are_good(judged):
    assert judged({200: 5, 503: 100}) == [True, True, True]


@pytest.mark.parametrize(
    "more",
    [
        {"statuses": {200: 5, 500: 1}},
        {"statuses": {200: 5, 503.5: 1}},  # 503 without Retry-After
        {"statuses": {200: 5}, "broken": ["ConnectionResetError"]},
        {"statuses": {503: 5}},  # nobody was answered
    ],
)
def test_anything_else_is_not(judged, more):
    assert judged(**more)[0] is False


def test_late_answers_and_memory_that_grows_are_not(judged):
    assert judged({200: 1}, accepted_s=[16.0])[1] is False
    assert judged({200: 0}, accepted_s=[])[1] is False
    assert judged({200: 1}, resident=[100.0] * 4 + [150.0] * 4 + [200.0] * 4)[2] is False
