"""Client processes, as who started them sees them."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import subprocess
import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Final

from benchmarks.rollout_site import ROOT

from .ledger import Ledger
from .order import Order

if TYPE_CHECKING:
    from typing_extensions import Self

END_S: Final = 60.0


class CallerProcess:
    """One of them. ledger: the last one it told. site: of the place whose rollout it is in."""

    def __init__(self, order: Order, site: str, log: str) -> None:
        self.site = site
        self.ledger = Ledger()
        self.ended_well = False
        with open(log, "ab") as errors:  # noqa: PTH123  # for a process, not for reading
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "benchmarks.soak.caller",
                    json.dumps(dataclasses.asdict(order)),
                ],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,  # Ctrl-C is for who started it
            )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def tell(self, line: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def end(self) -> None:
        """Its last ledger is complete if it ended well."""
        self.tell("end")
        try:
            self.ended_well = self._process.wait(END_S) == 0
        except subprocess.TimeoutExpired:
            self.kill()
        self._listener.join(5.0)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with contextlib.suppress(ValueError, TypeError):  # killed in the middle of a line
                self.ledger = Ledger.of(json.loads(line))


class Callers:
    """All of them; none outlives the `with` block."""

    def __init__(self) -> None:
        self.all: list[CallerProcess] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for caller in self.all:
            if caller.alive:
                caller.kill()

    def of(self, site: str) -> list[CallerProcess]:
        return [caller for caller in self.all if caller.site == site]

    def tell(self, line: str) -> None:
        for caller in self.all:
            caller.tell(line)

    def end(self) -> None:
        threads = [threading.Thread(target=caller.end) for caller in self.all]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    @property
    def ledger(self) -> Ledger:
        return Ledger.sum(caller.ledger for caller in self.all)
