"""Spoilt inputs to everything that strangers control.

    python -m benchmarks.fuzz --inputs 100000 [--only images] [--seed 1] [--out FILE]
    python -m benchmarks.fuzz --only images --first 4711 --inputs 1     # one input again

Each target is a process with a memory limit of its own. Exit code 1: something crashed, hung, or
answered in a way that is not allowed.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks import machine

from .child import HANG_S
from .run import MEMORY_MIB, run, shared
from .targets import TARGETS


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--inputs", type=int, default=10_000, help="of all targets together")
    parser.add_argument("--only", choices=list(TARGETS), help="all inputs to this target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="keep the counts as JSON, beside those of other targets",
    )
    options = parser.parse_args(arguments)
    counts = {options.only: options.inputs} if options.only else shared(options.inputs)
    facts = machine.facts()
    targets = _kept(options.out, options.seed)
    sound = True
    for name, inputs in counts.items():
        result = run(name, inputs, seed=options.seed, first=options.first)
        sound &= result.sound
        targets[name] = dataclasses.asdict(result)
        _show(name, targets[name])
        if options.out:  # after each, for who ends it early
            document = {
                "machine": facts,
                "seed": options.seed,
                "limits": {"processor_s": HANG_S, "memory_mib": MEMORY_MIB},
                "inputs": sum(one["counts"]["inputs"] for one in targets.values()),
                "targets": targets,
            }
            options.out.parent.mkdir(parents=True, exist_ok=True)
            options.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0 if sound else 1


def _kept(path: Path | None, seed: int) -> dict[str, Any]:
    """Of an earlier run of the same seed, for who does one target after the other."""
    if path is None or not path.exists():
        return {}
    document = json.loads(path.read_text(encoding="utf-8"))
    found: dict[str, Any] = document["targets"] if document["seed"] == seed else {}
    return found


def _show(name: str, result: dict[str, Any]) -> None:
    counts = result["counts"]
    print(
        f"{name:13} {counts['inputs']:>9,} inputs, {counts['accepted']:,} read,"
        f" {counts['refused']:,} refused, {counts['defects']} defects; slowest"
        f" {counts['slowest_ms']:.0f} ms, {counts['peak_mib']:.0f} MiB, {result['seconds']:.0f} s",
        flush=True,
    )
    for defect in result["defects"][:5]:
        print(f"    input {defect['number']}: {defect['wrong']}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
