"""The parent's end of `benchmarks.reader`: processes that are compared, asked in turn."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.timing import Took

ROOT = Path(__file__).resolve().parent.parent
# A thread for each image: numpy's and OpenCV's own would fight for the cores.
THREADS = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class ReaderError(Exception):
    """A side of the comparison ended, so there is no figure: one line that says why."""


class Reader:
    """One process. command: of `benchmarks.reader`, or of another that speaks as it does."""

    def __init__(self, command: Sequence[str], env: dict[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **THREADS, **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def wait(self) -> None:
        """Until it can be asked."""
        while self._answer() != "ready":
            pass

    def send(self, *words: object) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # `_answer` says why
            self._process.stdin.write(" ".join(map(str, words)) + "\n")
            self._process.stdin.flush()

    def one(self, number: int) -> Took:
        """Milliseconds of an image, as the process saw them."""
        self.send("one", number)
        return Took(float(self._answer()))

    def ended_loop(self) -> tuple[int, float]:
        """After `send("loop", SECONDS, THREADS)`: images, processor seconds."""
        count, seconds = self._answer().split()
        return int(count), float(seconds)

    def ended_every(self) -> float:
        """After `send("every", FIRST, STEP, THREADS)`: seconds."""
        return float(self._answer())

    def peak(self) -> int:
        """Bytes of memory that the process has had at most."""
        self.send("peak")
        return int(self._answer())

    def texts(self) -> list[str]:
        self.send("texts")
        found: list[str] = json.loads(self._answer())
        return found

    def document(self, *words: object) -> Any:
        """What a verb of another kind of process answers, as JSON."""
        self.send(*words)
        return json.loads(self._answer())

    def close(self) -> None:
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        self._process.terminate()
        self._process.wait()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            assert self._process.stderr is not None
            said = self._process.stderr.read().strip().splitlines()[-1:]
            raise ReaderError(f"a process that was measured ended: {(said or ['no reason'])[0]}")
        return line.strip()


@contextlib.contextmanager
def readers(*commands: Sequence[object]) -> Iterator[list[Reader]]:
    """Of `python -m benchmarks.reader` with these arguments; ready."""
    program = [sys.executable, "-m", "benchmarks.reader"]
    with contextlib.ExitStack() as stack:
        made = []
        for command in commands:
            made.append(Reader([*program, *map(str, command)]))
            stack.callback(made[-1].close)
        for one in made:
            one.wait()
        yield made


def in_turn(sides: Sequence[Reader], images: int) -> dict[str, Callable[[], Took]]:
    """For `timing.interleave`: in each round all sides read the same image, by their number."""
    turns = [iter(range(1 << 60)) for _ in sides]

    def call(side: Reader, turn: Iterator[int]) -> Callable[[], Took]:
        return lambda: side.one(next(turn) % images)

    return {
        str(number): call(side, turn)
        for number, (side, turn) in enumerate(zip(sides, turns, strict=True))
    }


def rate(sides: Sequence[Reader], seconds: float, threads: int) -> float:
    """Images a second of all of them at it together."""
    for side in sides:
        side.send("loop", seconds, threads)
    return sum(side.ended_loop()[0] for side in sides) / seconds


def seconds_for_all(sides: Sequence[Reader], threads: int) -> float:
    """Until every image was read once, the sides sharing them."""
    for first, side in enumerate(sides):
        side.send("every", first, len(sides), threads)
    return max(side.ended_every() for side in sides)


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Element by element: what was measured in one round."""
    return np.asarray(ours, np.float64) / np.asarray(theirs, np.float64)
