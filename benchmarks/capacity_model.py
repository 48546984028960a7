"""The arithmetic of `capacity`: from costs and a load to what it needs, and what gives way first."""

from __future__ import annotations

import dataclasses
import math
from typing import Final

BUSY: Final = 0.7  # of a core at the mean load; beyond it queues grow long
REDIS_CORES: Final = 1  # it runs commands in one thread


@dataclasses.dataclass(frozen=True)
class Costs:
    """Processor milliseconds unless the name says otherwise.

    triton_line_ms, triton_column_ms: of a line, and of each of its pixels' columns.
    service_line_ms: decoding, preparing, HTTP on both sides, of an image of one line.
    page_ms, page_lines: all that the service does for a page; its lines.
    caller_ms: of who asks, a line; not counted but where a measurement is foretold.
    redis_process_ms, redis_process_operations: what each client process costs Redis a second;
        commands of its scripts are counted, too.
    redis_request_us: what each counted request costs it beside that.
    """

    triton_line_ms: float
    triton_column_ms: float
    service_line_ms: float
    page_ms: float
    page_lines: float
    caller_ms: float
    redis_process_ms: float
    redis_process_operations: float
    redis_request_us: float


@dataclasses.dataclass(frozen=True)
class Load:
    """lines: a second. width: pixels. pages: share of lines that come on pages, 0..1."""

    lines: float
    width: float = 320.0
    pages: float = 0.0


@dataclasses.dataclass(frozen=True)
class Size:
    """Of a deployment. instances: of the arm in each Triton, a core each; so is a service process."""

    tritons: int = 2
    instances: int = 1
    services: int = 2


@dataclasses.dataclass(frozen=True)
class Need:
    """Cores are of processor time alone; replicas leave room for 1 - BUSY of each core."""

    triton_cores: float
    service_cores: float
    tritons: int
    services: int
    redis_operations: float
    redis_share: float

    @property
    def cores(self) -> float:
        """All of it, with room."""
        return (self.triton_cores + self.service_cores) / BUSY + self.redis_share


def triton_ms(costs: Costs, width: float) -> float:
    return costs.triton_line_ms + costs.triton_column_ms * width


def service_ms(costs: Costs, load: Load) -> float:
    """Of one line in the mean, alone or on a page."""
    of_page = costs.page_ms / costs.page_lines
    return (1 - load.pages) * costs.service_line_ms + load.pages * of_page


def requests(costs: Costs, load: Load) -> float:
    """A second: a page is one, whatever stands on it."""
    return load.lines * (1 - load.pages + load.pages / costs.page_lines)


def need(costs: Costs, load: Load, instances: int = 1) -> Need:
    """instances: of the arm in one Triton, each of which uses one core."""
    triton = load.lines * triton_ms(costs, load.width) / 1e3
    service = load.lines * service_ms(costs, load) / 1e3
    services = max(1, math.ceil(service / BUSY))
    return Need(
        triton,
        service,
        max(1, math.ceil(triton / BUSY / instances)),
        services,
        services * costs.redis_process_operations,
        _redis_share(costs, load, services),
    )


def shares(costs: Costs, load: Load, size: Size) -> dict[str, float]:
    """How busy each part of a deployment is; above 1 it cannot keep up."""
    triton = load.lines * triton_ms(costs, load.width) / 1e3
    service = load.lines * service_ms(costs, load) / 1e3
    return {
        "Triton": triton / (size.tritons * size.instances),
        "service": service / size.services,
        "Redis": _redis_share(costs, load, size.services),
    }


def first_bottleneck(costs: Costs, load: Load, size: Size) -> tuple[str, float]:
    """The busiest part, and the lines a second at which it is BUSY."""
    busy = shares(costs, load, size)
    part = max(busy, key=lambda name: busy[name])
    one = shares(costs, dataclasses.replace(load, lines=1.0), size)[part]
    none = shares(costs, dataclasses.replace(load, lines=0.0), size)[part]
    return part, (BUSY - none) / (one - none)


def most_lines(costs: Costs, width: float, cores: float) -> float:
    """Lines a second of everything on one host, callers too: what a measurement is held to."""
    return cores * 1e3 / (triton_ms(costs, width) + costs.service_line_ms + costs.caller_ms)


def redis_limit(costs: Costs, load: Load) -> float:
    """Lines a second at which Redis's one core is BUSY, services growing with the load."""
    low, high = 1.0, 1e9
    while high / low > 1.001:
        middle = math.sqrt(low * high)
        share = need(costs, dataclasses.replace(load, lines=middle)).redis_share
        low, high = (middle, high) if share < BUSY else (low, middle)
    return low


def _redis_share(costs: Costs, load: Load, processes: int) -> float:
    per_request = requests(costs, load) * costs.redis_request_us / 1e6
    return (processes * costs.redis_process_ms / 1e3 + per_request) / REDIS_CORES
