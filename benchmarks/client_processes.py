"""Client processes: `benchmarks.traffic` in processes of its own, as a team runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Final

from benchmarks.rollout_site import ROOT, Site, SiteError
from benchmarks.traffic import Tally

if TYPE_CHECKING:
    from typing_extensions import Self

# One client thread each: numpy's and OpenCV's own would fight for the cores with Triton's.
_THREADS: Final = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
_END_S: Final = 15.0


class ClientProcess:
    """`benchmarks.traffic` as a process of its own; it ends with this one at the latest."""

    def __init__(
        self, site: Site, *, seed: int, threads: int = 2, images: Path | None = None
    ) -> None:
        chosen = ["--images", str(images)] if images else []
        self.log = site.folder / f"client-{seed}.log"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "benchmarks.traffic", str(site.config)),
                    *("--seed", str(seed), "--threads", str(threads), *chosen),
                ],
                cwd=ROOT,
                env={**os.environ, **_THREADS},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,  # Ctrl+C is for who started it; stdin's end tells it
            )
        self._latest = Tally()
        assert self._process.stdout is not None
        self._reader = threading.Thread(
            target=self._read, args=(self._process.stdout,), daemon=True
        )
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def tally(self) -> Tally:
        """The latest that it printed. Raises SiteError when it is dead."""
        if self._process.poll():
            last = self.log.read_text(encoding="utf-8").strip().splitlines()[-1:]
            raise SiteError(f"a client process died: {(last or ['it left no word'])[0]}")
        return self._latest

    def wide(self, percent: int) -> None:
        """From now on so many of a hundred images are long lines."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"wide {percent}\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        """As `kill -9` does."""
        self._process.kill()
        self._process.wait()
        self._ended()

    def let_end(self) -> None:
        """Tells it to; it sends what it counted first."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()

    def close(self) -> Tally:
        """Lets it end, and gives its last tally."""
        self.let_end()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._ended()
        return self._latest

    def _ended(self) -> None:
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None and not pipe.closed:
                pipe.close()

    def _read(self, stream: IO[str]) -> None:
        with suppress(ValueError):  # the last line may be cut off by a kill
            for line in stream:
                self._latest = Tally.of(json.loads(line))


class Clients:
    """Several client processes for as long as the `with` block lasts."""

    def __init__(
        self, site: Site, count: int, *, threads: int = 2, images: Path | None = None
    ) -> None:
        self._site = site
        self._count = count
        self._threads = threads
        self._images = images
        self.processes: list[ClientProcess] = []

    def __enter__(self) -> Self:
        try:
            for seed in range(self._count):
                self.begin(seed)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def begin(self, seed: int) -> ClientProcess:
        """One more."""
        process = ClientProcess(self._site, seed=seed, threads=self._threads, images=self._images)
        self.processes.append(process)
        return process

    @property
    def tally(self) -> Tally:
        """Of all. Raises SiteError when one is dead."""
        return Tally.sum([process.tally for process in self.processes])

    def close(self) -> Tally:
        """Lets all end; their last tallies together."""
        for process in self.processes:
            process.let_end()
        return Tally.sum([process.close() for process in self.processes])
