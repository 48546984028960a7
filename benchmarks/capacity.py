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
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.capacity_model import (
    BUSY,
    Costs,
    Load,
    Size,
    first_bottleneck,
    need,
    redis_limit,
    shares,
)

ROOT = Path(__file__).resolve().parent.parent
COSTS: Final = ROOT / "benchmarks" / "results" / "capacity.json"
LOADS: Final = (10, 100, 1_000, 10_000)


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
