"""Spoilt inputs: a bounded run of every target, and that the watcher sees what it is there for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))  # the targets' names are parameters

from benchmarks.fuzz.mutate import spoilt
from benchmarks.fuzz.run import run, shared
from benchmarks.fuzz.targets import TARGETS

pytest.importorskip("onnx", reason="the extra [export] is not installed")

INPUTS = 3_000  # of all targets; `make fuzz` reads a million

BROKEN = """
import os, sys, time
from benchmarks.fuzz import child, targets

def call(data):
    if data == b"abort":
        os.abort()
    if data == b"spin":
        end = time.process_time() + 0.05
        while time.process_time() < end: pass
    if data == b"much":
        bytearray(4 << 30)
    if data == b"wrong":
        raise KeyError("here")
    raise ValueError("refused in words")

child.HANG_S = 0.04
corpus = (b"fine", b"abort", b"spin", b"much", b"wrong", b"fine")
targets.TARGETS["broken"] = targets.Target(1.0, lambda: corpus, lambda: (call, (ValueError,)))
child.main(*sys.argv[1:])
"""


@pytest.mark.parametrize("name", TARGETS)
def test_spoilt_inputs_neither_crash_nor_hang_nor_take_all_memory(name):
    result = run(name, shared(INPUTS)[name], seed=7)
    assert result.defects == []
    counts = result.counts
    assert counts.inputs == shared(INPUTS)[name] == counts.accepted + counts.refused
    assert counts.accepted, "not even the corpus can be read"


def test_crash_hang_memory_and_wrong_error_are_each_found(tmp_path):
    """And the inputs behind a crash are read all the same."""
    script = tmp_path / "broken.py"
    script.write_text(BROKEN, encoding="utf-8")
    command = (
        sys.executable,
        "-c",
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); {LOAD}",
        str(script),
    )
    result = run("broken", 6, seed=1, program=command)
    assert [defect["number"] for defect in result.defects] == [1, 2, 3, 4]
    crash, hang, memory, wrong = (defect["wrong"] for defect in result.defects)
    assert crash.startswith("crash (signal 6)")
    assert hang.startswith("hang:")
    assert memory.startswith("MemoryError")
    assert wrong.startswith("KeyError")
    assert result.counts.inputs == 6


LOAD = "script = sys.argv.pop(1); exec(open(script).read())"


def test_spoilt_input_is_a_function_of_its_number():
    """So that a defect is found again by it."""
    corpus, tokens = (b"alpha", b'{"a": 1}'), (b"x",)
    made = [spoilt(corpus, tokens, seed=3, target="t", number=n) for n in range(200)]
    again = [spoilt(corpus, tokens, seed=3, target="t", number=n) for n in range(200)]
    assert made == again
    assert made[:2] == list(corpus)
    assert len(set(made)) > 100
