"""How many cores, Tritons, services and Redis operations a load needs, and what gives way first.

    python -m benchmarks.capacity --lines 100 --width 320 --pages 0.1 [--json]
    python -m benchmarks.capacity --measure        # what a line costs here; writes COSTS

The costs are processor time, measured on one machine and kept with its facts; on another machine
measure again. Width: pixels of a line made 32 high, 320 are about ten Chinese characters.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

ROOT = Path(__file__).resolve().parent.parent
COSTS: Final = ROOT / "benchmarks" / "results" / "capacity.json"
LOADS: Final = (10, 100, 1_000, 10_000)
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


def read(path: Path = COSTS) -> tuple[dict[str, Costs], dict[str, Any]]:
    """By arm, and the whole document."""
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return {arm: Costs(**costs) for arm, costs in document["costs"].items()}, document


def table(costs: Costs, load: Load, size: Size) -> list[list[str]]:
    """A row for each of LOADS and the load's own: what it needs, and what gives way before."""
    rows = []
    for lines in sorted({*LOADS, load.lines}):
        wanted = dataclasses.replace(load, lines=lines)
        found = need(costs, wanted, size.instances)
        part, until = first_bottleneck(costs, wanted, size)
        rows.append(
            [
                f"{lines:,g}",
                f"{found.triton_cores:,.1f}",
                f"{found.tritons:,}",
                f"{found.service_cores:,.1f}",
                f"{found.services:,}",
                f"{found.redis_operations:,.0f}",
                f"{found.redis_share:.1%}",
                f"{part}, from {until:,.0f} lines/s on",
            ]
        )
    return rows


BEGIN: Final = (
    "<!-- capacity: written by `python -m benchmarks.capacity --write docs/scaling.md` -->"
)
END: Final = "<!-- capacity: end -->"
HEADS: Final = (
    "lines/s",
    "Triton: cores",
    "Tritons",
    "service: cores",
    "services",
    "Redis: commands/s",
    "Redis: of its core",
    "first to give way as shipped",
)


def markdown(costs: Costs, load: Load, size: Size) -> str:
    lines = [HEADS, ["---"] * len(HEADS), *table(costs, load, size)]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines) + "\n"


def block(path: Path = COSTS) -> str:
    """What docs/scaling.md shows: each arm at LOADS as shipped, then what was checked."""
    by_arm, document = read(path)
    facts = document["machine"]
    parts = [
        f"`{arm}`, lines of 320 pixels, none on pages, on {facts['cores']} cores of {facts['cpu']}:\n\n"
        + markdown(costs, Load(LOADS[0]), Size())
        + f"\nRedis's core is {BUSY:.0%} busy at {redis_limit(costs, Load(1)):,.0f} lines/s.\n"
        for arm, costs in by_arm.items()
    ]
    return "\n".join([*parts, f"```\n{_checked(document['checked'])}\n```\n"])


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if options.measure:
        from benchmarks.capacity_costs import measure  # noqa: PLC0415  # torch, Triton

        document = measure(options.seconds)
        options.costs.parent.mkdir(parents=True, exist_ok=True)
        options.costs.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    if not options.costs.exists():
        print(f"{options.costs} is not there; measure first: --measure", file=sys.stderr)
        return 1
    by_arm, document = read(options.costs)
    arm = options.arm or next(iter(by_arm))
    if arm not in by_arm:
        print(f"{arm}: not measured; there is: {', '.join(by_arm)}", file=sys.stderr)
        return 1
    if options.write:
        from ocr_training.card.markdown import replace_block  # noqa: PLC0415  # the extra [training]

        replace_block(options.write, block(options.costs), BEGIN, END)
        return 0
    load = Load(options.lines, options.width, options.pages)
    size = Size(options.tritons, options.instances, options.services)
    if options.json:
        print(json.dumps(_document(by_arm[arm], load, size, document), indent=1))
    else:
        print(f"{arm}, lines {load.width:g} wide, {load.pages:.0%} of them on pages\n")
        print(markdown(by_arm[arm], load, size))
        print(_checked(document["checked"]))
    return 0


def _document(costs: Costs, load: Load, size: Size, document: Mapping[str, Any]) -> dict[str, Any]:
    found = need(costs, load, size.instances)
    part, until = first_bottleneck(costs, load, size)
    return {
        "machine": document["machine"],
        "load": dataclasses.asdict(load),
        "need": dataclasses.asdict(found) | {"cores": found.cores},
        "as_shipped": {**shares(costs, load, size), "first": part, "until_lines": until},
        "redis_limit_lines": redis_limit(costs, load),
        "checked": document["checked"],
    }


def _checked(points: list[dict[str, Any]]) -> str:
    said = [
        f"{one['arm']}, {one['cores']} core{'s' if one['cores'] > 1 else ''} ({one['cores_got']:.2f} got),"
        f" width {one['width']:.0f}:"
        f" {one['predicted']:.1f} predicted, {one['measured']:.1f} measured ({one['error']:+.0%})"
        for one in points
    ]
    return "Checked, lines/s of one host with all of it:\n  " + "\n  ".join(said)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capacity", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--lines", type=float, default=100.0, help="a second")
    parser.add_argument("--width", type=float, default=320.0, help="of a line, pixels at 32 high")
    parser.add_argument(
        "--pages", type=float, default=0.0, help="share of lines that come on pages"
    )
    parser.add_argument("--arm", help="MODEL:VERSION; stable when left out")
    parser.add_argument("--tritons", type=int, default=Size.tritons)
    parser.add_argument("--instances", type=int, default=Size.instances, help="in each")
    parser.add_argument("--services", type=int, default=Size.services, help="processes")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--costs", type=Path, default=COSTS, metavar="FILE")
    parser.add_argument("--measure", action="store_true", help="first, and write them there")
    parser.add_argument("--write", type=Path, metavar="FILE", help="whose block to replace")
    parser.add_argument("--seconds", type=float, default=6.0, help="of each measurement")
    return parser


if __name__ == "__main__":
    sys.exit(main())
