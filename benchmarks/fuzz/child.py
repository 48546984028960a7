"""Runs one target's inputs under limits, in a process of its own; `benchmarks.fuzz.run` watches it.

    python -m benchmarks.fuzz.child TARGET SEED FIRST END MEMORY_MIB PROGRESS_FILE

One line of JSON for each defect, and a last one with the counts. The number of the input that is being
read stands in PROGRESS_FILE, for who finds this process dead.
"""

from __future__ import annotations

import dataclasses
import json
import mmap
import resource
import sys
import time
import traceback
from pathlib import Path
from typing import Final

from .mutate import spoilt
from .targets import TARGETS

HANG_S: Final = 2.0  # processor time of one input: waiting for a busy machine is no hang
MOST_DEFECTS: Final = 20  # told of; then the same ones come again


@dataclasses.dataclass
class Counts:
    """accepted: read to the end. refused: with an error that says why. peak_mib: resident."""

    inputs: int = 0
    accepted: int = 0
    refused: int = 0
    defects: int = 0
    slowest_ms: float = 0.0
    peak_mib: float = 0.0


def main(name: str, seed: str, first: str, end: str, memory_mib: str, progress_file: str) -> None:
    target = TARGETS[name]
    inputs = tuple(target.corpus())
    call, refused = target.make()
    _limit_memory(int(memory_mib))
    counts = Counts()
    with Path(progress_file).open("r+b") as file, mmap.mmap(file.fileno(), 8) as progress:
        for number in range(int(first), int(end)):
            progress[:8] = number.to_bytes(8, "little")
            data = spoilt(inputs, target.tokens, seed=int(seed), target=name, number=number)
            counts.inputs += 1
            start = time.process_time()
            wrong = ""
            try:
                call(data)
                counts.accepted += 1
            except refused:
                counts.refused += 1
            except Exception as error:  # noqa: BLE001  # this is what is looked for
                wrong = _said(error)
            took_s = time.process_time() - start
            counts.slowest_ms = max(counts.slowest_ms, 1e3 * took_s)
            if not wrong and took_s > HANG_S:
                wrong = f"hang: {took_s:.1f} s of processor time"
            if wrong:
                counts.defects += 1
                if counts.defects <= MOST_DEFECTS:
                    print(json.dumps({"number": number, "wrong": wrong}), flush=True)
    counts.peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"counts": dataclasses.asdict(counts)}), flush=True)


def _limit_memory(mib: int) -> None:
    """Beyond what the process has mapped by now: libraries and their threads' stacks."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + mib * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _said(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    where = frames[-1] if frames else None
    place = f"{Path(where.filename).name}:{where.lineno}" if where else ""
    return f"{type(error).__name__} at {place}: {' '.join(str(error).split())[:300]}"


if __name__ == "__main__":
    main(*sys.argv[1:])
