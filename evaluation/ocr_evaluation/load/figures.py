"""What a load test says: columns as perf_analyzer's. Pure."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from ocr_client.statistics import ArmMeans

Loop = Literal["closed", "open"]


@dataclasses.dataclass(frozen=True)
class Shot:
    """One request, in seconds of one clock.

    due_s: when it should have been sent; in a closed loop that is when it was. error: the name of
    what came instead of an answer.
    """

    due_s: float
    sent_s: float
    end_s: float
    error: str = ""

    @property
    def latency_ms(self) -> float:
        """From when it was due: a request that had to wait for its turn has waited."""
        return (self.end_s - self.due_s) * 1e3


@dataclasses.dataclass(frozen=True)
class Level:
    """One load and what came of it. load: concurrency of a closed loop, else requests a second.

    seconds: for which was measured. *_ms: of answered requests; None where there were none.
    unsent: requests of an open loop whose turn did not come before the end. late_ms: how long after
    they were due requests were sent, 99th percentile. server: Triton's own means, if it tells them.
    """

    loop: Loop
    load: float
    seconds: float
    answered: int
    errors: dict[str, int]
    unsent: int
    per_second: float
    mean_ms: float | None
    p50_ms: float | None
    p90_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    longest_ms: float | None
    late_ms: float
    server: ArmMeans | None

    @property
    def failed(self) -> int:
        return sum(self.errors.values())

    @property
    def client_ms(self) -> float | None:
        """Of the mean what passed outside Triton: decoding, preparing, HTTP, and waiting to be sent."""
        if self.mean_ms is None or self.server is None:
            return None
        return self.mean_ms - self.server.total_ms

    def to_json(self) -> dict[str, Any]:
        found = dataclasses.asdict(self) | {"failed": self.failed, "client_ms": self.client_ms}
        if self.server is not None:
            means = {"arm": str(self.server.arm), "compute_ms": self.server.compute_ms}
            found["server"] |= means
        return found


def level(
    shots: Sequence[Shot],
    *,
    loop: Loop,
    load: float,
    start_s: float,
    end_s: float,
    unsent: int = 0,
    server: ArmMeans | None = None,
) -> Level:
    """Of what was due from `start_s` on and, in a closed loop, had its answer before `end_s`.

    In a closed loop what ends after the window is left out, or each thread's last request would
    count in a time that is not counted. In an open loop what was due in the window counts, whenever it
    ended: leaving out what is slow would make an overload look fast.
    """
    chosen = [
        shot
        for shot in shots
        if shot.due_s >= start_s
        and (shot.end_s <= end_s if loop == "closed" else shot.due_s < end_s)
    ]
    good = [shot for shot in chosen if not shot.error]
    last_s = max((shot.end_s for shot in good), default=end_s)
    seconds = end_s - start_s if loop == "closed" else max(end_s, last_s) - start_s
    times = np.array([shot.latency_ms for shot in good])
    late = [(shot.sent_s - shot.due_s) * 1e3 for shot in chosen]
    quantile = (lambda q: float(np.percentile(times, q))) if good else (lambda _q: None)
    return Level(
        loop=loop,
        load=load,
        seconds=seconds,
        answered=len(good),
        errors=dict(collections.Counter(shot.error for shot in chosen if shot.error)),
        unsent=unsent,
        per_second=len(good) / seconds,
        mean_ms=float(times.mean()) if good else None,
        p50_ms=quantile(50),
        p90_ms=quantile(90),
        p95_ms=quantile(95),
        p99_ms=quantile(99),
        longest_ms=quantile(100),
        late_ms=float(np.percentile(late, 99)) if late else 0.0,
        server=server,
    )
