"""What a run of the ablations leaves out is left out of training alone, and the table says so."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("fontTools", reason="the extra [training] is not installed")

from benchmarks.ablations import ALL, CHANGES, GROUPS, table

ROOT = Path(__file__).parents[2]
# A change is for the rest of its process.
LOOK = """
import hashlib, json, sys
from pathlib import Path
from benchmarks.ablations import CHANGES
from ocr_training.lines import KINDS, LineMaker
CHANGES[sys.argv[1]].set_stages()
CHANGES[sys.argv[1]].apply()
for held_out in (False, True):
    maker, digest = LineMaker(Path("build/fonts-small"), held_out=held_out), hashlib.sha256()
    for kind in KINDS:
        for i in range(25):
            digest.update(maker.make(3, i, kind).image)
    print(digest.hexdigest())
"""


def streams(name: str) -> list[str]:
    """Digests of training's lines and of evaluation's."""
    command = [sys.executable, "-c", LOOK, name]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()


def test_a_part_is_left_out_of_training_alone():
    as_it_is = streams(ALL)
    for name in ("steep", "phrases", "running"):
        changed = streams(name)
        assert changed[0] != as_it_is[0], name
        assert changed[1] == as_it_is[1], name


def test_other_stages_are_those_of_training_and_of_reading():
    as_it_is, scaled = streams(ALL), streams("scaled")
    assert scaled[0] != as_it_is[0]
    assert scaled[1] != as_it_is[1]


def test_the_table_says_what_was_gained():
    whole = {
        "category": [*GROUPS, "sign"],
        "wrong": [0, 0, 0, 0, 2, 0],
        "length": [10] * 6,
        "made": {"handwriting": 0.5},
    }
    replay = whole | {"wrong": [1, 0, 0, 0, 0, 0], "made": {"handwriting": 0.52}}
    rows = table({ALL: whole, "replay": json.loads(json.dumps(replay))}).splitlines()
    assert [cell.strip() for cell in rows[2].split("|")[2:5]] == ["0.967", "1.000", "1.000"]
    cells = [cell.strip() for cell in rows[3].split("|")[1:-1]]
    assert cells[0] == CHANGES["replay"].says
    assert cells[1].startswith("+1.7 (")
    assert cells[2:] == ["-10.0", "+0.0", "+0.0", "+0.0", "+10.0", "+2.0"]
