"""Makes the sets, reads them with every published version, and gathers the document."""

from __future__ import annotations

import datetime as dt
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ocr_training.card.measure import engines, measure_engine, measure_version
from ocr_training.card.reader import Reader, published
from ocr_training.card.samples import Sample, load
from ocr_training.card.stress import stress_lines
from ocr_training.card.words import simplified
from ocr_training.dataset import write_dataset, write_lines
from ocr_training.lines import LineMaker

MADE_SEED = 77  # not the seed that training evaluates itself with
RESAMPLED = "95 % intervals by resampling lines 2,000 times"


def write_sets(fonts: Path, out: Path, *, made: int, stress: int) -> dict[str, Path]:
    """Held-out lines of each kind and the stress sets below `out`, made anew. Name -> labels.tsv."""
    maker = LineMaker(fonts, held_out=True)
    written: dict[str, Path] = {}
    for name, count in (("made", made), ("stress", stress)):
        folder = out / name
        shutil.rmtree(folder, ignore_errors=True)
        if not count:
            continue
        if name == "made":
            write_dataset(maker, folder, count=count, seed=MADE_SEED)
        else:
            write_lines(stress_lines(maker, count), folder)
        written[name] = folder / "labels.tsv"
    return written


def measure_card(
    repository: Path,
    labels: Mapping[str, Path],
    fonts: Path,
    *,
    only: Sequence[str] = (),
    others: Path | None = None,
) -> dict[str, Any]:
    """labels: set name -> labels.tsv. only: NAME:NUMBER of versions, all published if empty.

    Raises ValueError when `only` names a version that is not published.
    """
    readers = [Reader(version) for version in published(repository, only)]
    table = simplified(fonts)
    sets: dict[str, list[Sample]] = {name: load(path) for name, path in labels.items()}
    versions = []
    for reader in readers:
        print(f"reading with {reader.label} ...", file=sys.stderr, flush=True)
        versions.append(measure_version(reader, sets, table))
    return {
        "measured": dt.datetime.now(tz=dt.timezone.utc).date().isoformat(),
        "normalisation": "NFKC, spaces removed, case kept (receipts: upper-cased); " + RESAMPLED,
        "traditional_table": bool(table),
        "titles": {name: _title(name, len(sets[name])) for name in sets},
        "versions": versions,
        "engines": [measure_engine(engine, sets, table) for engine in engines(others)]
        if others
        else [],
    }


def _title(name: str, count: int) -> str:
    return {
        "real": f"Real lines (n = {count})",
        "made": f"Made lines, faces and words never trained on (n = {count})",
        "stress": f"One difficulty at a time on made print (n = {count})",
    }.get(name, f"{name} (n = {count})")
