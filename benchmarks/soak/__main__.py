r"""Endurance and faults: `python -m benchmarks.soak [--minutes 30] [--faults 100] [--json FILE]`.

Client processes read lines steadily, by two rollouts (SQLite, Redis) over a real Triton, while faults
are injected: Triton and its stubs are killed and stopped, a second one joins and leaves, versions are
swapped, the network breaks, stores and disks fail, clocks jump, configurations are spoilt, candidates
go bad. In the end the books must balance. Exit code 0: all held; 1: something did not; 130: Ctrl-C.

Examples:
    make soak MINUTES=30
    python -m benchmarks.soak --minutes 5 --requests 15000 --faults 25
    python -m benchmarks.soak --minutes 5 --requests 3000 --faults 20 --models real
    python -m benchmarks.soak --minutes 30 --requests 85000 --faults 0 --rate 50 --models real \
        --stores sqlite --processes 1 --threads 6      # endurance alone: one client, 50 lines/s

"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any, Final, NoReturn

from benchmarks import machine
from benchmarks.report import Section, show

from .field import STORES
from .reckoning import Found, in_words, rollbacks, sections
from .run import FAULTS, Settings, soak

FULL_MINUTES: Final = 30.0
REQUESTS: Final = 100_000  # in so many minutes, and faults; fewer in proportion
FAULTS_WANTED: Final = 114


def main(arguments: list[str] | None = None) -> int:
    """See the module."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if "redis" in options.stores and shutil.which("redis-server") is None:
        parser.error(
            "redis-server is missing: apt-get install redis-server, or --stores sqlite without it"
        )
    share = min(1.0, options.minutes / FULL_MINUTES)
    settings = Settings(
        options.minutes,
        round(REQUESTS * share) if options.requests is None else options.requests,
        round(FAULTS_WANTED * share) if options.faults is None else options.faults,
        options.seed,
        real=options.models == "real",
        processes=options.processes,
        threads=options.threads,
        stores=tuple(options.stores),
        rate=options.rate,
        kinds=tuple(options.kinds or FAULTS),
        quick=options.quick,
    )
    interrupted = False

    def interrupt(*_: object) -> NoReturn:
        nonlocal interrupted
        interrupted = True
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    facts = machine.facts()
    with tempfile.TemporaryDirectory(prefix="soak-state-") as state:
        os.environ["OCR_ROLLOUT_STATE"] = state  # nobody's own servers are met
        try:
            found = soak(settings, _say)
        except KeyboardInterrupt:
            _say("interrupted before it began")
            return 130
    told = sections(found)
    print(" · ".join(f"{key} {value}" for key, value in facts.items()))
    print(f"{_models(settings)}; {found.minutes:.1f} minutes, seed {settings.seed}\n")
    show(told)
    if options.json:
        document = _document(facts, settings, found, told)
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(
            json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )
    missed = [row.name for section in told for row in section.rows if row.met is False]
    print("all held" if not missed else f"NOT held: {'; '.join(missed)}")
    if interrupted:
        return 130
    return 1 if missed else 0


def _document(
    facts: dict[str, Any], settings: Settings, found: Found, told: list[Section]
) -> dict[str, Any]:
    return {
        "machine": facts,
        "models": _models(settings),
        "settings": dataclasses.asdict(settings),
        "minutes": round(found.minutes, 2),
        "sections": [dataclasses.asdict(section) for section in told],
        "faults": [dataclasses.asdict(fault) for fault in found.faults],
        "episodes": [dataclasses.asdict(episode) for episode in found.episodes],
        "rollbacks": {
            kind: [in_words(found, name, entry) for name, entry in those]
            for kind, those in rollbacks(found).items()
        },
        "troubles": list(found.troubles),
        "supervisor": list(found.said),
        "memory": [course.to_dict() for course in found.courses],
        "ledgers": {
            name: [ledger.to_dict() for ledger in ledgers]
            for name, (ledgers, _) in found.places.items()
        },
    }


def _models(settings: Settings) -> str:
    if settings.real:
        return "trained models of model_repository/, candidates that go bad are made graphs"
    return "made graphs of a few kB with the models' contract, on a real Triton"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=30.0, help="at most (30)")
    parser.add_argument("--requests", type=int, help="at least (100,000 in 30 minutes)")
    parser.add_argument("--faults", type=int, help="to be injected (114 in 30 minutes)")
    parser.add_argument("--seed", type=int, default=1, help="of the schedule and the lines (1)")
    parser.add_argument("--rate", type=float, default=0.0, help="requests a second (what it takes)")
    parser.add_argument(
        "--models",
        choices=("made", "real"),
        default="made",
        help="made: graphs of a few kB whose answer says which image and which arm (made); "
        "real: the trained ones",
    )
    parser.add_argument("--stores", nargs="+", choices=STORES, default=STORES, help="(both)")
    parser.add_argument("--processes", type=int, default=2, help="clients for each store (2)")
    parser.add_argument("--threads", type=int, default=3, help="of each of them (3)")
    parser.add_argument("--kinds", nargs="+", choices=FAULTS, metavar="KIND", help="only these")
    parser.add_argument("--quick", action="store_true", help="shorter faults, for a run of seconds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all of it there, too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
