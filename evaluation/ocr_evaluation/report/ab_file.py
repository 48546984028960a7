"""An A/B test's report.json, as far as the gate needs it: two arms, by category."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ocr_client.operations.refused import RefusedError
from ocr_rollout.core.calibration import Bin, Calibration
from ocr_rollout.core.intervals import Estimate

NAME: Final = "report.json"
_SIDES: Final = ("stable", "candidate")


@dataclasses.dataclass(frozen=True)
class Gain:
    """The candidate's 1-CER less stable's, with 95 %; low, high: None of too few lines."""

    value: float
    low: float | None
    high: float | None
    p: float

    @property
    def side(self) -> int:
        """1: the candidate is surely better, -1: surely worse, 0: it cannot be told."""
        if self.low is None or self.high is None or self.p > 0.05:
            return 0
        return int(self.low > 0) - int(self.high < 0)


@dataclasses.dataclass(frozen=True)
class Group:
    """All lines, or those of a category. characters: 1-CER, by `stable` and `candidate`.

    lines: share of lines read whole. Both are empty, and gain is None, where nothing was read by
    all arms.
    """

    name: str
    n: int
    characters: Mapping[str, Estimate]
    lines: Mapping[str, Estimate]
    gain: Gain | None

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class ABTest:
    """status, why: of its verdict, see `ocr_evaluation.verdict`. labelled: lines of the data set.

    calibration: by `stable` and `candidate`; empty where nothing was read.
    """

    file: str
    dataset: str
    at: dt.datetime
    normalisation: str
    complete: bool
    labelled: int
    status: str
    why: str
    all: Group
    kinds: tuple[Group, ...]
    calibration: Mapping[str, Calibration]

    def to_dict(self) -> dict[str, Any]:
        return {**dataclasses.asdict(self), "at": self.at.isoformat(timespec="seconds")}


def load(folder: Path, stable: str, candidate: str) -> ABTest:
    """The test of these two arms. Raises RefusedError, one line, where there is none."""
    file = folder / NAME if folder.is_dir() else folder
    try:
        document = json.loads(file.read_bytes())
    except OSError as error:
        raise RefusedError(
            f"--ab: {file}: {(error.strerror or str(error)).lower()}; write it with: "
            f"{_command(stable, candidate)}"
        ) from None
    except ValueError:
        raise RefusedError(f"--ab: {file}: is no JSON") from None
    try:
        arms = [str(arm) for arm in document["arms"]]
        if arms[0] != stable or candidate not in arms[1:]:
            raise RefusedError(
                f"--ab: {file}: compares {arms[0]} with {', '.join(arms[1:])}, and this rollout is "
                f"of {stable} and {candidate}; run: {_command(stable, candidate)}"
            )
        return _test(str(file), document, stable, candidate)
    except (KeyError, TypeError, ValueError, IndexError, StopIteration) as error:
        raise RefusedError(
            f"--ab: {file}: is no report of `ocrctl ab-test` of this version ({error!r:.80})"
        ) from None


def _command(stable: str, candidate: str) -> str:
    return f"ocrctl ab-test DATASET --arms {stable} --arms {candidate} --report DIR"


def _test(file: str, document: Mapping[str, Any], stable: str, candidate: str) -> ABTest:
    arms = {"stable": stable, "candidate": candidate}
    groups = document["groups"]
    verdict = next(one for one in document["verdicts"] if one["candidate"] == candidate)
    whole = groups[0]
    return ABTest(
        file=file,
        dataset=str(document["dataset"]),
        at=dt.datetime.fromisoformat(document["at"]),
        normalisation=str(document["normalisation"]),
        complete=bool(document["complete"]),
        labelled=int(document["lines"]["labelled"]),
        status=str(verdict["status"]),
        why=str(verdict["why"]),
        all=_group(whole, arms),
        kinds=tuple(_group(one, arms) for one in groups if one["sort"] == "category"),
        calibration={
            side: _calibration(whole["arms"][arm]["calibration"])
            for side, arm in arms.items()
            if arm in whole["arms"]
        },
    )


def _group(document: Mapping[str, Any], arms: Mapping[str, str]) -> Group:
    figures, name = document["arms"], str(document["name"])
    if not figures:
        return Group(name, 0, {}, {}, None)
    found = next(one for one in document["differences"] if one["candidate"] == arms["candidate"])
    gain = found["one_minus_cer"]
    low, high = (None if gain[key] is None else _number(gain[key]) for key in ("low", "high"))
    return Group(
        name,
        int(document["n"]),
        {side: _estimate(figures[arms[side]]["one_minus_cer"]) for side in _SIDES},
        {side: _estimate(figures[arms[side]]["line_accuracy"]) for side in _SIDES},
        Gain(_number(gain["value"]), low, high, _number(gain["p"])),
    )


def _estimate(found: Mapping[str, Any]) -> Estimate:
    value, low, high = (_number(found[key]) for key in ("value", "low", "high"))
    return Estimate(value, low, high, int(found["n"]))


def _calibration(found: Mapping[str, Any]) -> Calibration:
    bins = tuple(
        Bin(
            low=_number(one["low"]),
            high=_number(one["high"]),
            n=int(one["n"]),
            confidence=_number(one["confidence"]),
            right=_number(one["right"]),
        )
        for one in found["bins"]
    )
    sorts = None if found["auroc"] is None else _number(found["auroc"])
    return Calibration(int(found["n"]), bins, _number(found["error"]), sorts)


def _number(value: object) -> float:
    """Raises ValueError on what cannot be drawn."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no figure")
    return float(value)
