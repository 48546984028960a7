"""The figures of an A/B test: in all, by category, and by slice."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from ocr_rollout.core.calibration import Calibration, calibration
from ocr_rollout.core.intervals import Estimate, characters_right, wilson
from ocr_rollout.core.routing import Arm
from ocr_rollout.core.texts import BANDS, band

from .marks import Marks
from .paired import Difference, difference
from .reading import Answer, Failure, Read
from .words import Wording, script

# Pixels of an image's height, up to and including.
_HEIGHTS: Final = ((15, "below 16 px"), (31, "16 to 31 px"), (63, "32 to 63 px"))
HEIGHTS: Final = (*(name for _, name in _HEIGHTS), "64 px or higher")


@dataclasses.dataclass(frozen=True)
class ArmFigures:
    """One arm on n lines. second_cer, second_line: under the second normalisation.

    p50_ms, p95_ms: of requests, as many under way as the test had threads.
    """

    n: int
    cer: Estimate | None
    line: Estimate | None
    ned: float
    second_cer: float
    second_line: float
    empty: Estimate | None
    garbled: Estimate | None
    confidence: float
    calibration: Calibration
    p50_ms: float
    p95_ms: float

    def to_json(self) -> dict[str, Any]:
        found = dataclasses.asdict(self)
        found["one_minus_cer"], found["line_accuracy"] = found.pop("cer"), found.pop("line")
        found["one_minus_ned"] = found.pop("ned")
        found["second_normalisation"] = {
            "one_minus_cer": found.pop("second_cer"),
            "line_accuracy": found.pop("second_line"),
        }
        found["latency_ms"] = {"p50": found.pop("p50_ms"), "p95": found.pop("p95_ms")}
        return found


@dataclasses.dataclass(frozen=True)
class Group:
    """sort: `all`, `category`, or what the lines are sliced by. lines: that were to be read.

    failed: of each arm. Figures are of the n lines that every arm has read; where there are none,
    there are none. differences: each further arm against the first one.
    """

    sort: str
    name: str
    lines: int
    failed: tuple[int, ...]
    arms: tuple[ArmFigures, ...]
    differences: tuple[Difference, ...]

    @property
    def n(self) -> int:
        return self.arms[0].n if self.arms else 0

    def to_json(self, arms: Sequence[Arm]) -> dict[str, Any]:
        names = [str(arm) for arm in arms]
        return {
            "sort": self.sort,
            "name": self.name,
            "lines": self.lines,
            "n": self.n,
            "failed": dict(zip(names, self.failed, strict=True)),
            "arms": {name: found.to_json() for name, found in zip(names, self.arms, strict=False)},
            "differences": [
                {"stable": names[0], "candidate": name, **found.to_json()}
                for name, found in zip(names[1:], self.differences, strict=False)
            ],
        }


def groups(reads: Sequence[Read], arms: int, wording: Wording) -> list[Group]:
    """All lines first, then categories and slices. arms: how many; the first one is stable."""
    whole = [k for k, read in enumerate(reads) if read.answers is not None]
    place = {row: k for k, row in enumerate(whole)}
    of_all = [_Scored(reads[k], reads[k].answers or ()) for k in whole]
    first = Marks.of(
        (
            (
                one.fold(wording, one.read.line.text),
                [one.fold(wording, a.text) for a in one.answers],
            )
            for one in of_all
        ),
        arms,
    )
    second = Marks.of(
        (
            (wording.second(one.read.line.text), [wording.second(a.text) for a in one.answers])
            for one in of_all
        ),
        arms,
    )
    found = []
    for (sort, name), rows in _members(reads).items():
        failed = tuple(sum(_failed(reads[k], arm) for k in rows) for arm in range(arms))
        at = [place[k] for k in rows if k in place]
        marks, again = first.at(at), second.at(at)
        columns = [[of_all[k].answers[arm] for k in at] for arm in range(arms)]
        figures = [_figures(marks, again, arm, columns[arm]) for arm in range(arms)] if at else []
        between = (difference(marks, 0, arm) for arm in range(1, arms))
        told = tuple(one for one in between if one is not None)
        found.append(Group(sort, name, len(rows), failed, tuple(figures), told))
    return found


@dataclasses.dataclass(frozen=True)
class _Scored:
    read: Read
    answers: tuple[Answer, ...]

    def fold(self, wording: Wording, text: str) -> str:
        return wording.first(text, self.read.line.category)


def _failed(read: Read, arm: int) -> bool:
    return isinstance(read.results[arm], Failure)


def _members(reads: Sequence[Read]) -> dict[tuple[str, str], list[int]]:
    """(sort, name) -> rows; sorts in the order of a report, lengths and heights from low to high."""
    members: dict[tuple[str, str], list[int]] = {}
    for row, read in enumerate(reads):
        for key in _keys(read):
            members.setdefault(key, []).append(row)
    sorts = ("all", "category", "language", "length", "height", "script", "slice")
    ranks = {name: k for k, name in enumerate((*BANDS, *HEIGHTS))}

    def order(key: tuple[str, str]) -> tuple[int, int, str]:
        return sorts.index(key[0]), ranks.get(key[1], 0), key[1]

    return {key: members[key] for key in sorted(members, key=order)}


def _keys(read: Read) -> list[tuple[str, str]]:
    line = read.line
    keys = [("all", "all"), ("category", line.category), ("script", script(line.text))]
    keys.append(("length", band(len(line.text))))
    if line.lang:
        keys.append(("language", line.lang))
    height = next((a.height for a in read.results if isinstance(a, Answer)), None)
    if height is not None:
        keys.append(("height", _height(height)))
    return keys + [("slice", name) for name in line.slices]


def _height(pixels: int) -> str:
    return next((name for most, name in _HEIGHTS if pixels <= most), HEIGHTS[-1])


def _figures(marks: Marks, again: Marks, arm: int, answers: Sequence[Answer]) -> ArmFigures:
    sums, n = marks.sums(arm), len(answers)
    times = np.percentile([answer.time_ms for answer in answers], [50, 95])
    sure = [answer.confidence for answer in answers]
    length = max(1.0, float(again.length.sum()))
    return ArmFigures(
        n=n,
        cer=characters_right(sums),
        line=wilson(sums.right, n),
        ned=1 - float(marks.distance[:, arm].mean()),
        second_cer=1 - float(again.edits[:, arm].sum()) / length,
        second_line=float(again.right[:, arm].mean()),
        empty=wilson(sum(answer.kind == "empty" for answer in answers), n),
        garbled=wilson(sum(answer.kind == "garbled" for answer in answers), n),
        confidence=sum(sure) / n,
        calibration=calibration(sure, [bool(right) for right in marks.right[:, arm]]),
        p50_ms=float(times[0]),
        p95_ms=float(times[1]),
    )
