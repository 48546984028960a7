"""An A/B test as files: report.json, report.md, and readings.tsv with a row for each reading."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from ocr_rollout.core.texts import edit_distance

from .ab_test import METRICS, ABTest
from .layout import BIN_HEAD, Sheet, accuracy, bin_rows, by_arm, notes, particulars
from .reading import Answer
from .words import Wording

READINGS = (
    "file",
    "category",
    "arm",
    "text",
    "reading",
    "edits",
    "right",
    "confidence",
    "check",
    "time_ms",
    "error",
)
_ALL = 1_000_000


def write(test: ABTest, folder: Path) -> list[Path]:
    """Over what was there. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    document = json.dumps(test.to_json(), ensure_ascii=False, indent=1)
    contents = {
        "report.json": document + "\n",
        "report.md": markdown(test),
        "readings.tsv": readings(test),
    }
    for name, content in contents.items():
        (folder / name).write_text(content, encoding="utf-8", errors="backslashreplace")
    return [folder / name for name in contents]


def markdown(test: ABTest) -> str:
    """For people: what can be said, then every figure with its n."""
    arms = [str(arm) for arm in test.arms]
    parts = [f"# A/B test: {' and '.join(arms)}"]
    parts += [f"**{cell(verdict.why)}**" for verdict in test.verdicts]
    if said := notes(test):
        parts.append("\n".join(f"- {cell(line)}" for line in said))
    parts.append(
        f"Data: {cell(str(test.dataset.folder))}, {test.at:%Y-%m-%d %H:%M} UTC. Texts are compared"
        f" after {test.wording.name}; n is the number of lines that every arm has read."
    )
    whole = [group for group in test.groups if group.sort in {"all", "category"}]
    parts += ["## Accuracy", *map(_sheet, accuracy(test, whole, intervals=True))]
    for group in whole:
        found = by_arm(test, group)
        parts += [f"## {cell(found.title)}", table(found.head, found.rows)]
    parts += ["## How sure, and how right"]
    for arm, figures in zip(arms, test.groups[0].arms, strict=False):
        parts += [f"### {arm}", table(BIN_HEAD, bin_rows(figures.calibration))]
    sorts = dict.fromkeys(group.sort for group in test.groups if group not in whole)
    for sort in sorts:
        members = [group for group in test.groups if group.sort == sort]
        parts += [f"## By {sort}", *map(_sheet, accuracy(test, members, intervals=True))]
    parts += ["## What the figures are", _meanings(test.wording)]
    if lines := particulars(test, _ALL):
        parts += ["## What was left out, and what failed"]
        parts.append("\n".join(f"- {cell(line)}" for line in lines))
    return "\n\n".join(parts) + "\n"


def readings(test: ABTest) -> str:
    """Texts as they are, but for tabs and line ends. edits, right: under the first normalisation."""
    rows: list[Sequence[str]] = [READINGS]
    for read in test.reads:
        line = read.line
        truth = test.wording.first(line.text, line.category)
        for arm, result in zip(test.arms, read.results, strict=True):
            start = (line.file, line.category, str(arm), line.text)
            if not isinstance(result, Answer):
                rows.append((*start, *[""] * 6, result.error))
                continue
            edits = edit_distance(truth, test.wording.first(result.text, line.category))
            found = (str(edits), str(int(edits == 0)), f"{result.confidence:.4f}")
            rows.append((*start, result.text, *found, result.kind, f"{result.time_ms:.2f}", ""))
    return "".join("\t".join(map(_flat, row)) + "\n" for row in rows)


def _meanings(wording: Wording) -> str:
    second = wording.to_json()["second_normalisation"]
    lines = [f"- {name}: {meaning}." for name, meaning in METRICS.items()]
    return "\n".join([*lines, f"- second: under a second normalisation, {second}."])


def _sheet(sheet: Sheet) -> str:
    return f"{sheet.title}\n\n{table(sheet.head, sheet.rows)}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(cell, line))} |" for line in lines)


def cell(text: str) -> str:
    """Never markup, whatever a file or a category is called."""
    for character in "\\|<>*`[]":
        text = text.replace(character, f"\\{character}")
    return _flat(text)


def _flat(text: str) -> str:
    return "".join(" " if unicodedata.category(c) == "Cc" else c for c in text)
