"""Figures of this machine, in one run: `python -m benchmarks [--json] [--out FILE] [--quick]`.

Goals stand beside the figures. Only ratios and differences within one run mean anything.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.report import Row, Section, show, show_goals

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "bench.json"
SECTIONS = (
    "limit",
    "pages",
    "peers",
    "page-peers",
    "processes",
    "preprocessing",
    "serving",
    "runtimes",
    "stores",
    "rollout",
    "service",
    "ab-test",
    "accuracy",
    "generator",
)


@dataclasses.dataclass(frozen=True)
class Sizes:
    """How much is measured. lines: of each kind. slice_s: of one throughput measurement."""

    rounds: int
    lines: int
    pages: int
    slice_s: float
    overload_s: float
    peer_rounds: int


FULL = Sizes(rounds=200, lines=12, pages=4, slice_s=2.0, overload_s=15.0, peer_rounds=3)
QUICK = Sizes(rounds=10, lines=1, pages=1, slice_s=0.5, overload_s=2.0, peer_rounds=1)


def main(arguments: list[str] | None = None) -> int:
    """Exit code 1 with --strict when a goal was missed or a section not measured."""
    options = _parser().parse_args(arguments)
    if options.show:
        return _show_kept(options.show)
    sizes = QUICK if options.quick else FULL
    options.rounds = options.rounds or sizes.rounds
    facts = machine.facts()
    if not options.json:
        print(" · ".join(f"{key} {value}" for key, value in facts.items()) + "\n")
    sections = []
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ocr-benchmark-") as folder:
        for title, measure in _sections(options, sizes, Path(folder)).items():
            print(f"measuring: {title} ...", file=sys.stderr)
            sections.append(_measured(title, measure))
            if not options.json:
                show(sections[-1:])
    facts |= {"load_at_end": machine.load(), "took_s": round(time.monotonic() - began)}
    document = {"machine": facts, "sections": [dataclasses.asdict(one) for one in sections]}
    text = json.dumps(document, ensure_ascii=False, indent=1)
    if options.json:
        print(text)
    else:
        show_goals(sections)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text + "\n", encoding="utf-8")
    rows = [row for section in sections for row in section.rows]
    missed = any(row.met is False or row.value is None for row in rows)
    unmeasured = any(not section.rows for section in sections)
    return 1 if options.strict and (missed or unmeasured) else 0


def _show_kept(path: Path) -> int:
    document = json.loads(path.read_text(encoding="utf-8"))
    print(" · ".join(f"{key} {value}" for key, value in document["machine"].items()) + "\n")
    sections = [
        Section(one["title"], tuple(Row(**row) for row in one["rows"]), one["note"])
        for one in document["sections"]
    ]
    show(sections)
    show_goals(sections)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a goal is missed")
    parser.add_argument("--rounds", type=int, help="rounds of each timing loop (200; quick: 10)")
    parser.add_argument(
        "--quick", action="store_true", help="a minute: whether it runs, no figures"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help=f"keep it, as in {RESULTS.name}")
    parser.add_argument(
        "--show", type=Path, metavar="FILE", help="print the tables of a kept file, measure nothing"
    )
    parser.add_argument("--repository", type=Path, default=ROOT / "model_repository")
    parser.add_argument(
        "--only",
        choices=SECTIONS,
        action="append",
        help="only this section (again for more)",
    )
    parser.add_argument(
        "--overload", type=float, metavar="S", help="seconds of too much load (15; quick: 2)"
    )
    parser.add_argument(
        "--labels", type=Path, help="labels.tsv of real lines for peers and accuracy"
    )
    parser.add_argument("--pages", type=Path, help="JSON of real pages for page-peers")
    parser.add_argument(
        "--rapidocr",
        type=Path,
        metavar="PYTHON",
        default=ROOT / "build" / "rapidocr" / "bin" / "python",
        help="a Python that has rapidocr-onnxruntime",
    )
    parser.add_argument("--made", type=int, metavar="N", help="N blurred and N dark made lines")
    parser.add_argument(
        "--fonts", type=Path, default=ROOT / "build" / "fonts", help="for made lines"
    )
    parser.add_argument(
        "--against", metavar="COMMIT", default="", help="its generator beside this one's"
    )
    return parser


def _sections(
    options: argparse.Namespace, sizes: Sizes, folder: Path
) -> dict[str, Callable[[], Section]]:
    """By title, those that were asked for."""
    rounds: int = options.rounds
    repository: Path = options.repository
    config = ROOT / "config.yaml"
    overload_s = sizes.overload_s if options.overload is None else options.overload
    kept = _module("images").Kept(folder, sizes, options.labels, options.pages)
    measures: dict[str, Callable[[], Section]] = {
        "limit": lambda: _module("limit").measure(
            repository, config, kept.lines(), rounds=rounds, slice_s=sizes.slice_s
        ),
        "pages": lambda: _module("pages").measure(
            repository, config, kept.pages(), kept.a4(), rounds=max(2, rounds // 16)
        ),
        "peers": lambda: _module("peers").measure(
            repository,
            config,
            kept.lines(real=True),
            rapidocr=options.rapidocr,
            rounds=sizes.peer_rounds,
            page=False,
        ),
        "page-peers": lambda: _module("peers").measure(
            repository,
            config,
            kept.pages(real=True),
            rapidocr=options.rapidocr,
            rounds=sizes.peer_rounds,
            page=True,
        ),
        "processes": lambda: _module("processes").measure(
            repository,
            config,
            kept.lines(),
            rounds=max(2, rounds // 40),
            slice_s=sizes.slice_s,
        ),
        "preprocessing": lambda: _module("preprocessing").measure(max(5, rounds // 8)),
        "serving": lambda: _module("serving").measure(repository, rounds),
        "runtimes": lambda: _module("runtimes").measure(repository, max(5, rounds // 4)),
        "stores": lambda: _module("stores").measure(rounds),
        "rollout": lambda: _module("rollout_processes").measure(rounds),
        "service": lambda: _module("service").measure(repository, rounds, overload_s),
        "ab-test": lambda: _module("ab_test").measure(repository, options.fonts, config, rounds),
    }
    wanted = options.only or SECTIONS
    chosen = {name: measure for name, measure in measures.items() if name in wanted}
    if "accuracy" in wanted and options.labels:
        chosen["accuracy on real lines"] = lambda: _module("accuracy").on_real_lines(
            repository, options.labels
        )
    if "accuracy" in wanted and options.made:
        chosen["accuracy on made lines"] = lambda: _module("accuracy").on_made_lines(
            repository, options.fonts, options.made
        )
    if "generator" in (options.only or ()):  # needs fonts, and nobody waits for it while serving
        chosen["generator"] = lambda: _module("generator").measure(
            options.fonts, max(5, rounds // 10), options.against
        )
    return chosen


def _module(name: str) -> Any:
    """Imported with its section: without torch the others still run."""
    return importlib.import_module(f"benchmarks.{name}")


def _measured(title: str, measure: Callable[[], Section]) -> Section:
    try:
        return measure()
    except Exception as error:  # noqa: BLE001  # the other sections still count
        return Section.unmeasured(title, " ".join(f"{type(error).__name__}: {error}".split()))


if __name__ == "__main__":
    sys.exit(main())
