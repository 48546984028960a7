"""`make bench`: what is compared runs, what is missing is said, and what was kept can be shown."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent.parent

pytest.importorskip("fontTools", reason="the extra [training] is not installed")


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_quick_run_measures_every_number_of_client_processes(tmp_path):
    """With the real Triton, and keeps what it measured beside the machine's facts."""
    out = tmp_path / "kept" / "bench.json"
    done = run("--quick", "--only", "processes", "--out", str(out))
    assert done.returncode == 0, done.stderr
    document = json.loads(out.read_text(encoding="utf-8"))
    (section,) = document["sections"]
    assert len(section["rows"]) == 4, section["note"]
    assert all(row["value"] > 0 for row in section["rows"])
    assert document["machine"]["cores"] >= 1
    assert "All figures with a limit" in done.stdout


def test_peer_that_is_missing_is_a_row_with_the_command_that_installs_it(monkeypatch, tmp_path):
    from benchmarks import images, peers, tesseract

    monkeypatch.setenv("PATH", str(tmp_path))
    sides: dict[str, object] = {}
    some = images.Images(tmp_path, (), "no images")
    with contextlib.ExitStack() as stack:
        absent = peers._others(stack, sides, some, tmp_path / "python", page=False)
    assert sides == {}
    assert absent == {"Tesseract": tesseract.INSTALL, "RapidOCR": peers.INSTALL}
    row = peers._absent("RapidOCR", absent["RapidOCR"], page=False)
    assert (row.value, row.met) == (None, None)
    assert "pip install rapidocr-onnxruntime" in row.detail


def test_difference_of_medians_is_held_to_its_limit():
    from benchmarks.limit import above

    slow, fast = np.array([4.0, 5.0, 6.0]), np.array([3.0, 4.0, 5.0])
    assert above("client", slow, fast, "limit", 1.5).met is True
    assert above("client", slow + 1, fast, "limit", 1.5).met is False
    assert above("client", slow, fast, "limit").met is None


def test_accuracy_of_lines_counts_edits_and_of_pages_whole_lines():
    from benchmarks.images import characters_right, lines_found

    assert characters_right([("Ab c",), ("d",)], ["abx", "d"]) == pytest.approx(0.75)
    assert lines_found([("total", "1 2"), ("合计",)], ["12\nTOTAL 3", "合汁"]) == pytest.approx(
        2 / 3
    )


def test_repository_with_instances_has_the_arms_alone():
    """And its configuration differs in nothing else."""
    from benchmarks.models import with_instances

    from ocr_rollout.core.routing import Arm

    models = ROOT / "model_repository"
    text = (models / "crnn" / "config.pbtxt").read_text(encoding="utf-8")
    with with_instances(models, [Arm("crnn", 3)], 3) as copy:
        there = (copy / "crnn" / "config.pbtxt").read_text(encoding="utf-8")
        assert [path.name for path in sorted(copy.glob("*/*"))] == ["3", "config.pbtxt"]
    changed = set(there.splitlines()) ^ set(text.splitlines())
    assert {line.split()[0] for line in changed} == {"instance_group", "version_policy"}
    assert "count: 3" in there


def test_the_limit_reads_lines_and_pages_without_any_server():
    from benchmarks.reader import limit

    sample = (ROOT / "samples/01_print.png").read_bytes()
    folder = str(ROOT / "model_repository/crnn_small/1")
    for page in (False, True):
        read, _ = limit([folder], [sample], page=page)
        assert len(read(0)) > 3
