"""What the A/B benchmark counts with, and README's table of five kinds."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("fontTools", reason="the extra [training] is not installed")

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))


def test_processor_time_is_that_of_children_too():
    from benchmarks import processor_time

    spin = "import time; end = time.process_time() + 0.4\nwhile time.process_time() < end: pass"
    program = [sys.executable, "-c", f"{spin}\nprint(flush=True); input()"]
    before = processor_time.of_tree()
    with subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        child.stdout.readline()
        assert processor_time.of_tree() - before >= 0.35
        child.communicate("\n")


def test_readme_holds_the_table_that_the_command_writes():
    """Every kind once, with the figures that the original service's authors state."""
    from benchmarks.five_kinds import BEGIN, END, THEIRS

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(f"{re.escape(BEGIN)}(.*?){re.escape(END)}", readme, re.DOTALL)
    head, _, *rows = [line.split(" | ") for line in block.strip().splitlines()]
    assert len(rows) == len(THEIRS) == 5
    assert all(re.fullmatch(r"`[a-z]+:\d+`", arm) for arm in head[2:-1])
    for row, (name, theirs) in zip(rows, THEIRS.values(), strict=True):
        assert (row[0], row[1], row[-1]) == (f"| {name}", "100", f"{theirs} % |")
        assert all(re.fullmatch(r"0\.\d{3} / 0\.\d\d", figure) for figure in row[2:-1])
