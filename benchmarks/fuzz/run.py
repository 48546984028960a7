"""Watches `benchmarks.fuzz.child`: counts what it said, and goes on behind an input it died of."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .child import Counts
from .targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]
MEMORY_MIB = 1024  # above what the process has before the first input
SILENT_S = 300.0  # on one input, however busy the machine: then it hangs outside Python
MOST_DEATHS = 10
CHUNK = 20_000  # inputs of one process
PROGRAM = (sys.executable, "-m", "benchmarks.fuzz.child")
THREADS = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


@dataclasses.dataclass
class Result:
    """Of one target. defects: of each its input's number and what was wrong, the first few."""

    counts: Counts
    seconds: float
    defects: list[dict[str, Any]]

    @property
    def sound(self) -> bool:
        return not self.defects and not self.counts.defects


def shared(inputs: int) -> dict[str, int]:
    """How many of so many inputs each target gets, by its share; at least one of each."""
    whole = sum(target.share for target in TARGETS.values())
    return {name: max(1, round(inputs * target.share / whole)) for name, target in TARGETS.items()}


def run(
    name: str, inputs: int, *, seed: int, first: int = 0, program: Sequence[str] = PROGRAM
) -> Result:
    """Inputs first .. first + inputs - 1 of a target."""
    result = Result(Counts(), 0.0, [])
    started, number, end, deaths = time.monotonic(), first, first + inputs, 0
    while number < end:
        number, died = _chunk(program, name, seed, number, min(end, number + CHUNK), result)
        deaths += died
        if deaths > MOST_DEATHS:
            result.defects.append({"number": number, "wrong": f"given up after {deaths} deaths"})
            break
    result.seconds = round(time.monotonic() - started, 1)
    return result


def _chunk(
    program: Sequence[str], name: str, seed: int, first: int, end: int, into: Result
) -> tuple[int, bool]:
    """The next input to read, and whether the process died of the one before it."""
    with tempfile.NamedTemporaryFile() as progress:
        progress.write(bytes(8))
        progress.flush()
        command = [*program, name, str(seed), str(first), str(end)]
        command += [str(MEMORY_MIB), progress.name]
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **THREADS},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        stopped = threading.Event()
        watcher = threading.Thread(target=_watch, args=(process, Path(progress.name), stopped))
        watcher.start()
        said, complaint = process.communicate()
        stopped.set()
        watcher.join()
        at = int.from_bytes(Path(progress.name).read_bytes(), "little")
    whole = False
    for line in said.splitlines():
        document = json.loads(line)
        if "counts" in document:
            _add(into.counts, Counts(**document["counts"]))
            whole = True
        else:
            into.defects.append(document)
    if whole:
        return end, False
    last = (complaint.strip().splitlines() or ["no word"])[-1]
    how = (
        f"signal {-process.returncode}" if process.returncode < 0 else f"exit {process.returncode}"
    )
    if process.returncode == -signal.SIGKILL:
        how = f"killed after {SILENT_S:g} s without an end"
    into.defects.append({"number": at, "wrong": f"crash ({how}): {last[:300]}"})
    into.counts.inputs += at + 1 - first
    into.counts.defects += 1
    return at + 1, True


def _watch(process: subprocess.Popen[str], progress: Path, stopped: threading.Event) -> None:
    """Kills it when it stands at one input for too long."""
    seen, since = b"", time.monotonic()
    while not stopped.wait(0.5):
        now = progress.read_bytes()
        if now != seen:
            seen, since = now, time.monotonic()
        elif time.monotonic() - since > SILENT_S:
            process.kill()
            return


def _add(into: Counts, more: Counts) -> None:
    into.inputs += more.inputs
    into.accepted += more.accepted
    into.refused += more.refused
    into.defects += more.defects
    into.slowest_ms = round(max(into.slowest_ms, more.slowest_ms), 1)
    into.peak_mib = round(max(into.peak_mib, more.peak_mib), 1)
