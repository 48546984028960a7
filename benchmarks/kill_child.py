"""One publish or retirement that is killed on the way: `python -m benchmarks.kill_child JSON`.

Every function that changes or asks something counts as two points, before and after; at the
chosen one the command, Triton or both get SIGKILL, at once or a moment later.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ocr_client.control import Endpoint, GrpcControl
from ocr_client.versions import (
    Fleet,
    GoldenSet,
    Repository,
    Site,
    Standard,
    files,
    publish,
    retire,
    serve,
)
from ocr_client.versions.journal import History, Journal
from ocr_rollout.core.routing import Arm


@dataclasses.dataclass(frozen=True)
class Order:
    """verb: publish (source: the folder) or retire. victims: process ids besides this one's own.

    point: 1 for the first. after_s: how long after that point. suicide: this process, too.
    """

    repository: str
    images: str
    http: str
    grpc: str
    key: str
    verb: str
    version: int
    source: str
    point: int
    after_s: float
    victims: tuple[int, ...]
    suicide: bool


class Points:
    """Counts, and kills at one of them."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self.count = 0
        self.killed = False

    def around(self, owner: Any, name: str) -> None:
        """Makes a function of a class or module two points."""
        call: Callable[..., Any] = getattr(owner, name)

        @functools.wraps(call)
        def counted(*arguments: Any, **named: Any) -> Any:
            self._pass()
            result = call(*arguments, **named)
            self._pass()
            return result

        setattr(owner, name, counted)

    def _pass(self) -> None:
        self.count += 1
        if self.count != self._order.point:
            return
        if self._order.after_s:
            threading.Thread(target=self._later, daemon=True).start()
        else:
            self._kill()

    def _later(self) -> None:
        time.sleep(self._order.after_s)
        self._kill()

    def _kill(self) -> None:
        self.killed = True
        for pid in self._order.victims:
            os.kill(pid, signal.SIGKILL)
        if self._order.suicide:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    given = json.loads(sys.argv[1])
    order = Order(**{**given, "victims": tuple(given["victims"])})
    points = Points(order)
    for name in ("write_new", "copy_new", "replace", "move", "remove", "sync_folder"):
        points.around(files, name)
    for owner, names in (
        (GrpcControl, ("load", "unload", "index", "ready")),
        (Journal, ("write", "clear")),
        (History, ("add",)),
        (serve, ("prove", "reference_score")),
    ):
        for name in names:
            points.around(owner, name)
    fleet = Fleet((Endpoint(order.http, order.grpc, order.key),))
    site = Site(Repository.at(order.repository), fleet)
    arm = Arm("crnn", order.version)
    try:
        if order.verb == "publish":
            standard = Standard(GoldenSet.read(Path(order.images)))
            publish(site, arm.model, Path(order.source), standard, version=arm.version)
        else:
            retire(site, arm, tuple)
    finally:
        print(json.dumps({"count": points.count, "killed": points.killed}), flush=True)


if __name__ == "__main__":
    main()
