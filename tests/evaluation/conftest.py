"""A/B tests of what was read as if."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

import pytest
from made_readings import ARMS

from ocr_evaluation.ab_test import ABTest, measured
from ocr_evaluation.labels import Dataset, Line, Problem
from ocr_evaluation.words import Wording


@pytest.fixture
def tested():
    """An A/B test of what was read; arms: more than two where rows have more."""

    def make(
        reads, *, allowed=None, wording=None, problems=(), unread=0, arms=ARMS, reaches=()
    ) -> ABTest:
        lines = (*(one.line for one in reads), *[Line("x.png", "x", "print")] * unread)
        faults = tuple(Problem(fault, said) for fault, said in problems)
        test = measured(
            Dataset(Path("set"), lines, faults),
            arms,
            reads,
            wording or Wording(),
            allowed=allowed,
            threads=4,
            took_s=1.0,
            at=dt.datetime(2026, 11, 22, 12, tzinfo=dt.timezone.utc),
        )
        return dataclasses.replace(test, reaches=reaches)

    return make
