"""What Triton says about both arms and its machine. It may be down: then it says so, in a line."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Final

from ocr_client.errors import OCRError
from ocr_client.settings import TritonSettings
from ocr_client.statistics import (
    COUNTERS,
    ArmMeans,
    ArmStatistics,
    ServerLoad,
    collect,
    means,
    server_load,
)

TIMEOUT_S: Final = 1.0
OVER_S: Final = 60.0  # of a watch: means over so long


@dataclasses.dataclass(frozen=True)
class Sample:
    """One asking. at_s: on a monotonic clock. problems: what could not be measured, line by line."""

    at_s: float
    statistics: tuple[ArmStatistics, ...] = ()
    loads: tuple[ServerLoad, ...] = ()
    problems: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class ServerFacts:
    """arms: mean times of a request in Triton. over_s: of the last so many seconds; None: since
    each model was loaded.
    """

    arms: tuple[ArmMeans, ...] = ()
    over_s: float | None = None
    loads: tuple[ServerLoad, ...] = ()
    problems: tuple[str, ...] = ()

    def of(self, arm: str) -> ArmMeans | None:
        return next((means for means in self.arms if str(means.arm) == arm), None)

    def to_dict(self) -> dict[str, Any]:
        return {
            "over_s": self.over_s,
            "arms": [
                {
                    **dataclasses.asdict(one),
                    "arm": str(one.arm),
                    "compute_ms": one.compute_ms,
                }
                for one in self.arms
            ],
            "servers": [dataclasses.asdict(load) for load in self.loads],
            "problems": list(self.problems),
        }


def ask(triton: TritonSettings, at_s: float) -> Sample:
    """Never raises: within 2 s whatever happens, with what could be had."""
    problems = []
    statistics: tuple[ArmStatistics, ...] = ()
    loads = []
    try:
        statistics = collect(triton.urls, timeout_s=TIMEOUT_S)
    except OCRError as error:
        problems.append(f"no statistics: {error}")
    for url in triton.metrics_urls:
        try:
            loads.append(server_load(url, timeout_s=TIMEOUT_S / len(triton.metrics_urls)))
        except OCRError as error:  # noqa: PERF203  # each for itself
            problems.append(f"no CPU and memory: {error}")
    return Sample(at_s, statistics, tuple(loads), tuple(problems))


def facts(samples: Sequence[Sample]) -> ServerFacts:
    """samples: the oldest first. With one alone, all since the models were loaded."""
    if not samples:
        return ServerFacts(problems=("not asked yet",))
    last = samples[-1]
    before = next((one for one in samples[:-1] if one.statistics), None)
    if before is None:
        nothing = tuple(
            ArmStatistics(one.url, one.arm, **dict.fromkeys(COUNTERS, 0)) for one in last.statistics
        )
        return ServerFacts(means(nothing, last.statistics), None, last.loads, last.problems)
    return ServerFacts(
        means(before.statistics, last.statistics),
        last.at_s - before.at_s,
        last.loads,
        last.problems,
    )
