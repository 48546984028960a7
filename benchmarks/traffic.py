"""Callers: threads that have lines read and keep count of what a caller would notice.

    python -m benchmarks.traffic CONFIG [--threads N] [--seed N] [--images FOLDER]

is one client process. It prints its tally as a line of JSON several times a second, takes
`wide N` on its stdin (from now on N of a hundred lines are long ones), and ends when stdin does,
so it never outlives who started it.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import itertools
import json
import random
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ocr_client import LineResult, OCRClient, OCRError
from ocr_preprocessing.fast import Gray
from ocr_preprocessing.load import load_image
from ocr_rollout.core.garbled import examine

if TYPE_CHECKING:
    from typing_extensions import Self

REPORT_S: Final = 0.2
PAUSE_S: Final = 0.01  # leaves a small machine something for those who watch
SHORT, LONG = 300, 600  # pixels of a made line that is 32 high
_CANDIDATES: Final = frozenset({"candidate_range", "fell_back", "rescued"})
_KEPT: Final = 5  # failures of each process whose words are kept


def made_lines(count: int, *, width: int = SHORT, seed: int = 0) -> list[Gray]:
    """(32, width) UINT8, dark strokes on grained paper, no two alike."""
    rng = np.random.default_rng((seed, width))
    lines = []
    for _ in range(count):
        line = rng.integers(235, 256, (32, width), np.uint8)
        for left in rng.integers(4, width - 8, width // 12):
            line[6:26, left : left + 3] = rng.integers(0, 100)
        lines.append(line)
    return lines


def varied(folder: Path, times: int = 12) -> list[Gray]:
    """The images of a folder, each cut a little differently so many times."""
    lines = [load_image(path) for path in sorted(folder.glob("*.png"))]
    rng = random.Random(0)
    return [
        line[rng.randrange(3) :, rng.randrange(1, 8) : -rng.randrange(1, 8)]
        for line, _ in itertools.product(lines, range(times))
    ]


@dataclasses.dataclass
class Tally:
    """What callers saw. Locked by its owner.

    answers: by arm that answered. answered_at: the same by rollout and generation, as the results
        say: {"ROLLOUT/GENERATION": {arm: answers}}.
    asked: requests whose first attempt was the candidate's, by "ROLLOUT/GENERATION".
    last_asked_s: Unix time at which the last of these began, by rollout.
    failures: errors that callers got, and answers that are no text; words: of the first few.
    """

    answers: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    answered_at: dict[str, collections.Counter[str]] = dataclasses.field(default_factory=dict)
    asked: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    last_asked_s: dict[str, float] = dataclasses.field(default_factory=dict)
    fell_back: int = 0
    rescued: int = 0
    failures: int = 0
    words: list[str] = dataclasses.field(default_factory=list)
    slowest_ms: float = 0.0

    def add(self, result: LineResult | OCRError, began_s: float, took_ms: float) -> None:
        """began_s: Unix time."""
        self.slowest_ms = max(self.slowest_ms, took_ms)
        if isinstance(result, OCRError):
            self._fail(f"{type(result).__name__}: {result}")
            return
        kind = examine(result.text).kind
        if kind != "ok":
            self._fail(f"{result.arm} answered {kind}: {result.text[:40]!r} ({result.reason})")
        when = f"{result.rollout}/{result.generation}"
        self.answers[str(result.arm)] += 1
        self.answered_at.setdefault(when, collections.Counter())[str(result.arm)] += 1
        self.fell_back += result.fell_back
        self.rescued += result.rescued
        if result.reason in _CANDIDATES:
            self.asked[when] += 1
            last_s = self.last_asked_s.get(result.rollout, 0.0)
            self.last_asked_s[result.rollout] = max(last_s, began_s)

    def _fail(self, words: str) -> None:
        self.failures += 1
        if len(self.words) < _KEPT:
            self.words.append(words)

    def asked_of(self, rollout: str) -> int:
        """Requests of one rollout whose first attempt was the candidate's."""
        return sum(n for when, n in self.asked.items() if when.startswith(f"{rollout}/"))

    def to_dict(self) -> dict[str, Any]:
        """Plain values; `of` reads them back. (`dataclasses.asdict` spoils counters.)"""
        document = dict(vars(self))
        document["answered_at"] = {when: dict(found) for when, found in self.answered_at.items()}
        return document

    @classmethod
    def of(cls, document: dict[str, Any]) -> Tally:
        """From what a process printed."""
        tally = cls(**document)
        tally.answers = collections.Counter(tally.answers)
        tally.asked = collections.Counter(tally.asked)
        tally.answered_at = {
            when: collections.Counter(answers) for when, answers in tally.answered_at.items()
        }
        return tally

    @classmethod
    def sum(cls, tallies: Sequence[Tally]) -> Tally:
        """All processes together."""
        whole = cls()
        for tally in tallies:
            whole.answers += tally.answers
            whole.asked += tally.asked
            for when, answers in tally.answered_at.items():
                whole.answered_at.setdefault(when, collections.Counter()).update(answers)
            for rollout, last_s in tally.last_asked_s.items():
                whole.last_asked_s[rollout] = max(whole.last_asked_s.get(rollout, 0.0), last_s)
            whole.fell_back += tally.fell_back
            whole.rescued += tally.rescued
            whole.failures += tally.failures
            whole.words += tally.words
            whole.slowest_ms = max(whole.slowest_ms, tally.slowest_ms)
        return whole


class Traffic:
    """Threads that call one client, each request another user's, while the `with` block lasts.

    wide_percent: so many of a hundred images are `wide_images`. pause_s: of each thread between
    two requests. Both may be set at any time.
    """

    def __init__(
        self,
        client: OCRClient,
        images: Sequence[Gray],
        *,
        wide_images: Sequence[Gray] = (),
        threads: int = 2,
        seed: int = 0,
    ) -> None:
        self.wide_percent = 0
        self.pause_s = PAUSE_S
        self._client = client
        self._images = images
        self._wide_images = wide_images
        self._seed = seed
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._tally = Tally()
        self._threads = [
            threading.Thread(target=self._call, args=(k,), daemon=True) for k in range(threads)
        ]

    @property
    def tally(self) -> Tally:
        """A copy, as of now."""
        with self._lock:
            return Tally.sum([self._tally])

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def end(self) -> None:
        """Lets requests under way finish. May be called again."""
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _call(self, number: int) -> None:
        rng = random.Random(f"{self._seed} {number}")
        with contextlib.closing(_Leaving(self._client)):
            while not self._ended.is_set():
                wide = rng.randrange(100) < self.wide_percent
                image = rng.choice(self._wide_images if wide else self._images)
                user = f"user-{rng.randrange(10**9)}"
                began_s, start = time.time(), time.perf_counter()
                result: LineResult | OCRError
                try:
                    result = self._client.recognize(image, user_id=user)
                except OCRError as error:
                    result = error
                    self._ended.wait(0.05)  # nobody calls again at once, thousands of times
                took_ms = (time.perf_counter() - start) * 1e3
                with self._lock:
                    self._tally.add(result, began_s, took_ms)
                self._ended.wait(self.pause_s)


@dataclasses.dataclass(frozen=True)
class _Leaving:
    """Closes the calling thread's connection."""

    client: OCRClient

    def close(self) -> None:
        self.client.close(thread_ends=True)


def main(arguments: list[str] | None = None) -> int:
    """One client process; see the module."""
    options = _parser().parse_args(arguments)
    images = varied(options.images) if options.images else made_lines(200, seed=options.seed)
    wide = made_lines(50, width=LONG, seed=options.seed)
    with (
        OCRClient.from_config(options.config) as client,
        Traffic(
            client, images, wide_images=wide, threads=options.threads, seed=options.seed
        ) as traffic,
    ):
        listener = threading.Thread(target=_listen, args=(traffic,), daemon=True)
        listener.start()
        for _ in _every(REPORT_S, listener):
            print(json.dumps(traffic.tally.to_dict()), flush=True)
    print(json.dumps(traffic.tally.to_dict()), flush=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.traffic", description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--images", type=Path, help="a folder of *.png, instead of made lines")
    return parser


def _listen(traffic: Traffic) -> None:
    for line in sys.stdin:
        traffic.wide_percent = int(line.removeprefix("wide"))


def _every(seconds: float, while_alive: threading.Thread) -> Iterator[None]:
    while while_alive.is_alive():
        while_alive.join(seconds)
        yield


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        sys.exit(main())
