"""Figures of this machine, in one run: `python -m benchmarks [--json] [--labels TSV] [--made N]`.

Goals stand beside the figures. Only ratios and differences within one run mean anything.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import machine
from benchmarks.report import Section, show

ROOT = Path(__file__).resolve().parent.parent
SECTIONS = ("preprocessing", "serving", "runtimes", "stores", "rollout", "accuracy")


def main(arguments: list[str] | None = None) -> int:
    """Exit code 1 with --strict when a goal was missed or a section not measured."""
    options = _parser().parse_args(arguments)
    facts = machine.facts()
    if not options.json:
        print(" · ".join(f"{key} {value}" for key, value in facts.items()) + "\n")
    sections = []
    for title, measure in _sections(options).items():
        print(f"measuring: {title} ...", file=sys.stderr)
        sections.append(_measured(title, measure))
        if not options.json:
            show(sections[-1:])
    if options.json:
        measured = [dataclasses.asdict(section) for section in sections]
        print(json.dumps({"machine": facts, "sections": measured}, ensure_ascii=False, indent=2))
    missed = any(row.met is False for section in sections for row in section.rows)
    unmeasured = any(not section.rows for section in sections)
    return 1 if options.strict and (missed or unmeasured) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a goal is missed")
    parser.add_argument("--rounds", type=int, default=200, help="rounds of each timing loop")
    parser.add_argument("--repository", type=Path, default=ROOT / "model_repository")
    parser.add_argument(
        "--only",
        choices=SECTIONS,
        action="append",
        help="only this section (again for more)",
    )
    parser.add_argument("--labels", type=Path, help="labels.tsv of real lines: accuracy by stages")
    parser.add_argument("--made", type=int, metavar="N", help="N blurred and N dark made lines")
    parser.add_argument(
        "--fonts", type=Path, default=ROOT / "build" / "fonts", help="fonts for --made"
    )
    return parser


def _sections(options: argparse.Namespace) -> dict[str, Callable[[], Section]]:
    """Imports come with the section: without torch the others still run."""
    rounds: int = options.rounds
    repository: Path = options.repository

    def preprocessing() -> Section:
        from benchmarks.preprocessing import measure  # noqa: PLC0415  # see above

        return measure(max(5, rounds // 8))

    def serving() -> Section:
        from benchmarks.serving import measure  # noqa: PLC0415  # see above

        return measure(repository, rounds)

    def runtimes() -> Section:
        from benchmarks.runtimes import measure  # noqa: PLC0415  # see above

        return measure(repository, max(5, rounds // 4))

    def stores() -> Section:
        from benchmarks.stores import measure  # noqa: PLC0415  # see above

        return measure(rounds)

    def rollout() -> Section:
        from benchmarks.rollout_processes import measure  # noqa: PLC0415  # see above

        return measure(rounds)

    def real() -> Section:
        from benchmarks.accuracy import on_real_lines  # noqa: PLC0415  # see above

        return on_real_lines(repository, options.labels)

    def made() -> Section:
        from benchmarks.accuracy import on_made_lines  # noqa: PLC0415  # see above

        return on_made_lines(repository, options.fonts, options.made)

    wanted = options.only or SECTIONS
    chosen: dict[str, Callable[[], Section]] = {
        name: call
        for name, call in {
            "preprocessing": preprocessing,
            "serving": serving,
            "runtimes": runtimes,
            "stores": stores,
            "rollout": rollout,
        }.items()
        if name in wanted
    }
    if "accuracy" in wanted and options.labels:
        chosen["accuracy on real lines"] = real
    if "accuracy" in wanted and options.made:
        chosen["accuracy on made lines"] = made
    return chosen


def _measured(title: str, measure: Callable[[], Section]) -> Section:
    try:
        return measure()
    except Exception as error:  # noqa: BLE001  # the other sections still count
        return Section.unmeasured(title, " ".join(f"{type(error).__name__}: {error}".split()))


if __name__ == "__main__":
    sys.exit(main())
