"""kill -9 of the command, of Triton, or of both, in the middle of a swap."""

from __future__ import annotations

import os
from pathlib import Path

import bars
import pytest
from benchmarks.kills import kill_randomly

pytestmark = [pytest.mark.server, pytest.mark.slow]
KILLS = int(os.environ.get("OCR_ROLLOUT_TEST_KILLS", "6"))


def test_nothing_is_lost_to_a_kill(tmp_path, golden):
    """Stable answers, no half-copied version is served, doctor is content after its own advice."""

    def make(folder: Path, number: int) -> Path:
        return bars.write_version(folder, version=number)

    root = bars.write_repository(tmp_path / "models")
    told: list[str] = []
    tally = kill_randomly(root, golden, make, kills=KILLS, seed=7, say=told.append)
    assert tally.faults == [], told
    assert sum(tally.kills.values()) == KILLS
