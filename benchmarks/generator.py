"""How many made lines a core makes, beside an earlier commit's generator in the same run.

Each generator is a process of its own, asked in turn for the next lines of one stream; what
counts is the CPU time that they took.
"""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from benchmarks.report import Row, Section
from benchmarks.timing import Took, interleave, median

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("training", "preprocessing", "export_scripts", "rollout")  # what a generator imports
GOAL = 1000.0
LINES = 200  # a turn
WARM_UP = 10  # turns: glyphs are drawn once, and an hour of training finds nearly all of them drawn


def measure(fonts: Path, rounds: int, against: str = "") -> Section:
    """against: a commit whose generator is measured, too; the lines need not be the same."""
    if not (fonts / "fonts.json").exists():
        raise FileNotFoundError(f"{fonts}: no fonts there, run `make fonts`")
    with contextlib.ExitStack() as stack:
        roots = {"this checkout": ROOT}
        if against:
            roots[against] = stack.enter_context(_at(against))
        makers = {name: stack.enter_context(_maker(root, fonts)) for name, root in roots.items()}
        times = interleave(
            {name: _turn(process) for name, process in makers.items()},
            rounds=rounds,
            warm_up=WARM_UP,
        )
    rows = []
    for name, ms in times.items():
        speed = LINES * 1000 / float(np.median(ms))
        goal = f">= {GOAL:.0f}" if name == "this checkout" else ""
        met = speed >= GOAL if goal else None
        rows.append(Row(name, speed, "lines/s", "of one core's CPU time", goal, met))
    if against:
        ratio = median(times[against] / times["this checkout"])
        detail = f"95 %: {ratio.low:.2f}..{ratio.high:.2f}"
        rows.append(Row(f"times as fast as {against}", ratio.median, "x", detail))
    note = f"{LINES} lines a turn, {WARM_UP} turns first. CPU time grows on a busy machine, too."
    return Section("Made lines for training", tuple(rows), note)


@contextlib.contextmanager
def _at(commit: str) -> Iterator[Path]:
    """A folder with that commit's generator. Raises ValueError when there is no such commit."""
    done = subprocess.run(  # git, with a commit's name as one argument
        ["git", "archive", "--end-of-options", commit, *PARTS],  # whichever is used
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise ValueError(f"{commit}: {done.stderr.decode().strip()}")
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder)


@contextlib.contextmanager
def _maker(root: Path, fonts: Path) -> Iterator[subprocess.Popen[str]]:
    paths = [str(root / part) for part in PARTS] + [str(ROOT)]
    process = subprocess.Popen(  # this Python and this file
        [sys.executable, "-m", "benchmarks.generator", str(fonts.resolve())],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def _turn(process: subprocess.Popen[str]) -> Callable[[], Took]:
    def turn() -> Took:
        assert process.stdin
        assert process.stdout
        process.stdin.write("\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        if not answer:
            raise RuntimeError("the generator's process ended; what it said is above")
        return Took(float(answer))

    return turn


def serve(fonts: Path) -> None:
    """For every line on stdin: makes LINES lines, prints the milliseconds of CPU they took."""
    import cv2  # noqa: PLC0415  # in the process that makes lines alone

    from ocr_training.lines import LineMaker  # noqa: PLC0415  # of the commit on PYTHONPATH

    cv2.setNumThreads(1)
    maker = LineMaker(fonts)
    for turn, _ in enumerate(sys.stdin):
        start = time.process_time()
        for index in range(turn * LINES, (turn + 1) * LINES):
            maker.make(1, index)
        print((time.process_time() - start) * 1000, flush=True)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
