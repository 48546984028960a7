"""One rollout of a soak, and its operator."""

from __future__ import annotations

import dataclasses
import threading
import time
from typing import Final

from benchmarks.rollout_site import Site, phases

from ocr_client.operations import orders, setting, weights
from ocr_client.operations.refused import RefusedError
from ocr_rollout.core.routing import Arm
from ocr_rollout.core.state import StateError
from ocr_rollout.stores import StoreError

DEADLINE_S: Final = 3.0
CANDIDATE_DEADLINE_S: Final = 1.5
SHARE: Final = 0.5
TRY_AGAIN_S: Final = 60.0
OPERATOR: Final = "soak"


@dataclasses.dataclass
class Place:
    """One rollout's: its configuration, its store. name: of the store's kind.

    good, stable: the arms that are served all the time. urls: as the configuration names them.
    mark: a number in the configuration that clients tell which one they use.
    """

    name: str
    site: Site
    stable: Arm
    good: Arm
    sticky: str
    metrics_url: str
    urls: tuple[str, ...]
    candidate: Arm
    rollout_id: str = "good"
    mark: int = 64_000_000
    again: int = 0
    lock: threading.RLock = dataclasses.field(default_factory=threading.RLock)

    def configure(self) -> None:
        """Writes config.yaml anew, at once."""
        with self.lock:
            self.site.configure(
                {
                    "id": self.rollout_id,
                    "stable": str(self.stable),
                    "candidate": str(self.candidate),
                    "sticky": self.sticky,
                    "on_new_candidate": "restart",
                    "phases": phases(SHARE, samples=10**8),
                },
                triton={
                    "urls": list(self.urls),
                    "deadline_s": DEADLINE_S,
                    "candidate_deadline_s": CANDIDATE_DEADLINE_S,
                    "breaker_open_s": 1.0,
                },
                rescue={"deadline_s": 1.0},
                limits={"max_pixels": self.mark},
            )

    def start(self, candidate: Arm, rollout_id: str) -> float:
        """Begins a rollout as an operator does. Returns the Unix time at which it stood.

        Tried again while the store is away; raises StoreError or RefusedError in the end.
        """
        with self.lock:
            self.candidate, self.rollout_id = candidate, rollout_id
            self.configure()
            digest = weights.of_model(self.site.repository, candidate)
            deadline = time.monotonic() + TRY_AGAIN_S
            while True:
                try:
                    self._started(digest)
                except (StoreError, RefusedError):  # noqa: PERF203  # seldom
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.5)
                else:
                    return time.time()

    def go_on(self) -> None:
        """Starts the good candidate anew where it was taken back, as an operator would."""
        if not self.lock.acquire(blocking=False):
            return  # somebody is at it
        try:
            state = self.site.state()
            if self.candidate == self.good and state.status == "rolled_back":
                self.again += 1
                self.start(self.good, f"again-{self.again}")
        except (StoreError, StateError, RefusedError):
            pass  # another time
        finally:
            self.lock.release()

    def _started(self, digest: str) -> None:
        there = setting.setting(str(self.site.config), None)
        try:
            state = there.state()
            if state.tombstone_of(digest) is not None:
                orders.clear(there, digest=digest, by=OPERATOR, note="the soak goes on")
            orders.start(there, digest=digest, by=OPERATOR, note="", check=False, tell=print)
        finally:
            there.store.close()
