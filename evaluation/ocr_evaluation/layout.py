"""The A/B test as rows of text, for the terminal and for Markdown alike."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Final

from ocr_rollout.core.calibration import Calibration
from ocr_rollout.core.intervals import Estimate

from . import alphabets
from .ab_test import ABTest
from .figures import ArmFigures, Group
from .labels import MEANINGS
from .paired import Gain

Row = list[str]
_SHOWN_PROBLEMS = 10


@dataclasses.dataclass(frozen=True)
class Sheet:
    """A table: what it is of, in words, its head, and rows as long as the head."""

    title: str
    head: Row
    rows: list[Row]


def accuracy(test: ABTest, groups: Iterable[Group], *, intervals: bool) -> list[Sheet]:
    """1-CER, and lines read whole: a row for each group, arms and differences side by side.

    intervals: of each arm, too; a difference has its own in any case.
    """
    arms = [str(arm) for arm in test.arms]
    head = ["", "n", *arms]
    for arm in arms[1:]:
        head += [f"{arm} - {arms[0]}", "p"]
    sheets = [Sheet(title, head, []) for title in ("1-CER", "Lines read whole")]
    for group in groups:
        start = [group.name, str(group.n)]
        if not group.n:
            for sheet in sheets:
                sheet.rows.append([*start, *["-"] * (len(head) - 2)])
            continue
        characters = [_estimate(arm.cer, interval=intervals) for arm in group.arms]
        lines = [_estimate(arm.line, interval=intervals) for arm in group.arms]
        for found in group.differences:
            characters += [_gain(found.cer), f"{found.p:.2g}"]
            lines += [_gain(found.line), f"{found.whole.p:.2g}"]
        for sheet, cells in zip(sheets, (characters, lines), strict=True):
            sheet.rows.append([*start, *cells])
    return sheets


FIGURES: Final[tuple[tuple[str, Callable[[ArmFigures], str]], ...]] = (
    ("n", lambda arm: str(arm.n)),
    ("1-NED", lambda arm: f"{arm.ned:.3f}"),
    ("1-CER, second normalisation", lambda arm: f"{arm.second_cer:.3f}"),
    ("lines read whole, second", lambda arm: f"{arm.second_line:.3f}"),
    ("empty", lambda arm: _percent(arm.empty)),
    ("garbled", lambda arm: _percent(arm.garbled)),
    ("mean confidence", lambda arm: f"{arm.confidence:.3f}"),
    ("calibration error (ECE)", lambda arm: f"{arm.calibration.error:.3f}"),
    ("confidence tells right from wrong (AUROC)", lambda arm: _area(arm.calibration.auroc)),
    ("latency p50, ms", lambda arm: f"{arm.p50_ms:.1f}"),
    ("latency p95, ms", lambda arm: f"{arm.p95_ms:.1f}"),
)


def by_arm(test: ABTest, group: Group) -> Sheet:
    """A group's other figures: a row for each figure, a column for each arm."""
    rows = [["failed", *map(str, group.failed)]]
    if group.n:
        rows += [[name, *map(show, group.arms)] for name, show in FIGURES]
    return Sheet(f"More figures: {group.name}", ["", *map(str, test.arms)], rows)


BIN_HEAD = ["confidence", "n", "mean confidence", "read whole"]


def bin_rows(found: Calibration) -> list[Row]:
    """The reliability curve, a bin a row."""
    return [
        [
            f"{part.low:g} to {part.high:g}",
            str(part.n),
            f"{part.confidence:.3f}",
            f"{part.right:.3f}",
        ]
        for part in found.bins
    ]


def notes(test: ABTest) -> list[str]:
    """What is to be known before a figure is believed: one line each."""
    lines, asked = len(test.dataset.lines), len(test.reads)
    said = []
    if test.partial:
        said.append(f"PARTIAL: stopped after {asked} of {lines} lines")
    left_out = asked - test.groups[0].n
    if left_out:
        counts = ", ".join(
            f"{arm} {n}" for arm, n in zip(test.arms, test.groups[0].failed, strict=True)
        )
        said.append(
            f"{left_out} of {asked} lines were not read by every arm and are in no figure;"
            f" failed: {counts}"
        )
    said += alphabets.said(test.reaches, lines)
    said += [f"{n} {MEANINGS[fault]}" for fault, n in test.dataset.counts().items() if n]
    said += [
        f"category {group.name}: none of {group.lines} lines was read by every arm"
        for group in test.groups
        if group.sort == "category" and not group.n
    ]
    return said


def particulars(test: ABTest, most: int = _SHOWN_PROBLEMS) -> list[str]:
    """Problems of the set, then failures, one line each; of more than `most`, how many more."""
    said = [problem.said for problem in test.dataset.problems]
    said += [f"{read.line.file}: {arm}: {failed.error}" for read, arm, failed in test.failures]
    rest = len(said) - most
    return said if rest <= 0 else [*said[:most], f"and {rest:,} more"]


def _gain(found: Gain) -> str:
    if found.low is None or found.high is None:
        return f"{found.value:+.3f}"
    return f"{found.value:+.3f} ({found.low:+.3f}..{found.high:+.3f})"


def _estimate(found: Estimate | None, *, interval: bool) -> str:
    if found is None:
        return "-"
    shown = f"{found.value:.3f}"
    return f"{shown} ({found.low:.3f}..{found.high:.3f})" if interval else shown


def _percent(found: Estimate | None) -> str:
    return "-" if found is None else f"{found.value:.1%}"


def _area(found: float | None) -> str:
    return "-" if found is None else f"{found:.3f}"
