"""The benchmark runs with one command, and what it cannot measure it does not report as good."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent.parent


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def timing(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks import timing

    return timing


@pytest.mark.slow
def test_preprocessing_is_twenty_times_faster_than_the_four_stages():
    """The goal of issue 2 on clean crops, with the machine's facts and the limit beside it."""
    done = run("--only", "preprocessing", "--rounds", "40", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["machine"]["cores"] >= 1
    (section,) = found["sections"]
    rows = {row["name"]: row for row in section["rows"]}
    assert rows["clean: exact / fast"]["goal"] == ">= 20 x"
    assert rows["clean: exact / fast"]["met"], rows
    assert rows["noisy: exact / fast"]["value"] > 5, "even where every crop is denoised"


@pytest.mark.slow
def test_sharing_counts_costs_a_process_little_of_each_second():
    """Every store that is here is measured, and one that is not gives no figure."""
    done = run("--only", "stores", "--rounds", "10", "--json")
    assert done.returncode == 0, done.stderr
    (section,) = json.loads(done.stdout)["sections"]
    rows = {row["name"]: row for row in section["rows"]}
    for name in ("memory", "SQLite", *(["Redis"] if shutil.which("redis-server") else [])):
        assert rows[f"{name}: all of it, each second"]["met"], rows
    assert ("NOT MEASURED" in section["note"]) == (shutil.which("redis-server") is None)


def test_section_that_cannot_be_measured_gives_no_figure(tmp_path):
    """And --strict fails for it."""
    (tmp_path / "labels.tsv").write_text("file\ttext\tcategory\tlang\n")
    arguments = ("--only", "accuracy", "--labels", str(tmp_path / "labels.tsv"))
    done = run(*arguments, "--repository", str(tmp_path), "--json", "--strict")
    (section,) = json.loads(done.stdout)["sections"]
    assert section["rows"] == []
    assert section["note"].startswith("NOT MEASURED")
    assert done.returncode == 1


def test_a_commit_that_is_not_there_has_no_generator(tmp_path):
    (tmp_path / "fonts.json").write_text("[]")
    arguments = ("--only", "generator", "--against", "nonsense", "--fonts", str(tmp_path))
    (section,) = json.loads(run(*arguments, "--json").stdout)["sections"]
    assert section["rows"] == []
    assert section["note"].startswith("NOT MEASURED: ValueError: nonsense")


def test_interleaved_calls_share_every_round(timing):
    """Element i of all was taken in round i, in turning order."""
    order = []
    times = timing.interleave(
        {"a": lambda: order.append("a"), "b": lambda: order.append("b")}, rounds=4, warm_up=0
    )
    assert "".join(order) == "baabbaab"
    assert {name: values.shape for name, values in times.items()} == {"a": (4,), "b": (4,)}


def test_time_taken_elsewhere_counts_as_it_was_reported(timing):
    """A call that was timed in another process brings its own milliseconds."""
    times = timing.interleave({"far": lambda: timing.Took(123.0)}, rounds=3)
    assert times["far"].tolist() == [123.0] * 3


def test_median_has_an_interval_around_it(timing):
    """And it is the same for the same values."""
    values = np.random.default_rng(0).normal(10, 1, 400)
    found = timing.median(values)
    assert found.low <= found.median <= found.high
    assert found.high - found.low < 0.5
    assert found == timing.median(values)
