"""The card's figures: every published version on every set, as one JSON-ready document."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ocr_rollout.core.calibration import calibration
from ocr_rollout.core.texts import lenient
from ocr_training.card.confusions import confusions
from ocr_training.card.figures import accuracy
from ocr_training.card.reader import Reader, Reading
from ocr_training.card.samples import UPPER, Sample
from ocr_training.card.slices import slices
from ocr_training.card.words import strict

STRESS = "stress"  # a set whose categories are difficulties, whatever the language
LEAST_IN_SLICE = 10  # lines; fewer are not shown


@dataclasses.dataclass(frozen=True)
class Engine:
    """Another recogniser's readings: what it is, and text and confidence by image SHA-256."""

    name: str
    readings: Mapping[str, Reading]


def engines(path: Path) -> list[Engine]:
    """What `python -m benchmarks.others` wrote. Raises ValueError when it is something else."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return [
            Engine(
                found["engine"],
                {key: Reading(text, sure) for key, (text, sure) in found["readings"].items()},
            )
            for found in document
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path}: not what `python -m benchmarks.others` writes ({error!r})"
        ) from error


def measure_version(
    reader: Reader, sets: Mapping[str, Sequence[Sample]], table: Mapping[str, str]
) -> dict[str, Any]:
    """sets: by name. table: traditional -> simplified."""
    facts: dict[str, Any] = {
        "version": reader.label,
        "sha256": reader.sha256,
        "bytes": reader.size,
        "ms_320_px_one_thread": round(reader.milliseconds(), 2),
    }
    return facts | {"sets": measure_sets(reader.read, sets, table)}


def measure_engine(
    engine: Engine, sets: Mapping[str, Sequence[Sample]], table: Mapping[str, str]
) -> dict[str, Any]:
    """Sets of which not every line was read are left out: part of a set is another set."""
    whole = {
        name: samples
        for name, samples in sets.items()
        if all(sample.key in engine.readings for sample in samples)
    }
    by_image = {id(s.image): engine.readings[s.key] for name in whole for s in whole[name]}
    found = measure_sets(lambda image: by_image[id(image)], whole, table)
    return {"engine": engine.name, "sets": found}


def measure_sets(
    read: Callable[[Any], Reading],
    sets: Mapping[str, Sequence[Sample]],
    table: Mapping[str, str],
) -> dict[str, Any]:
    return {
        name: _measure(read, samples, table, by_language=name != STRESS)
        for name, samples in sets.items()
    }


def _measure(
    read: Callable[[Any], Reading],
    samples: Sequence[Sample],
    table: Mapping[str, str],
    *,
    by_language: bool,
) -> dict[str, Any]:
    read_lines = [(sample, read(sample.image)) for sample in samples]
    pairs = [_strict(sample, reading.text) for sample, reading in read_lines]
    second = [
        (lenient(sample.truth, table), lenient(reading.text, table))
        for sample, reading in read_lines
    ]
    groups: dict[str, list[int]] = {"all": list(range(len(samples)))}
    for index, sample in enumerate(samples):
        groups.setdefault(sample.category, []).append(index)
        if by_language:
            groups.setdefault(f"{sample.category}/{sample.lang}", []).append(index)
    parts: dict[str, list[int]] = {
        name: [i for i, sample in enumerate(samples) if belongs(sample)]
        for name, belongs in slices(table).items()
    }
    sure = calibration(
        [reading.confidence for _, reading in read_lines], [a == b for a, b in pairs]
    )
    return {
        "groups": {
            group: {
                "strict": _rounded(accuracy([pairs[i] for i in members])),
                "lenient": _rounded(accuracy([second[i] for i in members])),
            }
            for group, members in sorted(groups.items())
        },
        "slices": {
            name: _rounded(accuracy([pairs[i] for i in members]))
            for name, members in parts.items()
            if len(members) >= LEAST_IN_SLICE
        },
        "calibration": _rounded(sure),
        "confusions": confusions(pairs),
    }


def _strict(sample: Sample, text: str) -> tuple[str, str]:
    upper = sample.category == UPPER
    return strict(sample.truth, upper=upper), strict(text, upper=upper)


def _rounded(record: Any) -> Any:
    """A dataclass as plain values, four digits after the point."""
    return _plain(dataclasses.asdict(record))


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_plain(part) for part in value]
    return value
