"""The A/B test as one record: what was read, the figures, and what they allow to say."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

from ocr_rollout.core.resampling import RESAMPLES
from ocr_rollout.core.routing import Arm

from .alphabets import Reach
from .figures import Group, groups
from .labels import Dataset
from .reading import Failure, Read
from .verdict import Verdict, judge
from .words import Wording

METRICS: Final = {
    "one_minus_cer": "1 - sum(edit distance) / sum(length of the truth)",
    "line_accuracy": "share of lines read whole",
    "one_minus_ned": "1 - mean over lines of edit distance / length of the longer text",
    "difference": f"candidate less stable, on lines that every arm has read; 95 % by paired"
    f" bootstrap, {RESAMPLES:,} draws of whole lines, percentiles; p of 1-CER: exact sign-flip test,"
    " of lines: exact McNemar",
    "interval": "95 %; of 1-CER the ratio's linearised variance by lines, of shares Wilson",
    "calibration": "confidence of a line against whether it was read whole; error: expected"
    " calibration error",
    "latency_ms": "of a request, decoding the image included",
}


@dataclasses.dataclass(frozen=True)
class ABTest:
    """arms: the first one is stable. reads: of the dataset's lines, fewer where it was stopped.

    threads: how many lines were under way at a time. took_s: seconds of reading. reaches: of the
    arms, where somebody looked.
    """

    dataset: Dataset
    arms: tuple[Arm, ...]
    reads: tuple[Read, ...]
    groups: tuple[Group, ...]
    verdicts: tuple[Verdict, ...]
    wording: Wording
    threads: int
    took_s: float
    at: dt.datetime
    reaches: tuple[Reach, ...] = ()

    @property
    def partial(self) -> bool:
        return len(self.reads) < len(self.dataset.lines)

    @property
    def failures(self) -> list[tuple[Read, Arm, Failure]]:
        return [
            (read, arm, result)
            for read in self.reads
            for arm, result in zip(self.arms, read.results, strict=True)
            if isinstance(result, Failure)
        ]

    @property
    def complete(self) -> bool:
        """Every row was read by every arm."""
        return self.dataset.complete and not self.partial and not self.failures

    def to_json(self) -> dict[str, Any]:
        lines = len(self.dataset.lines)
        return {
            "dataset": str(self.dataset.folder),
            "at": self.at.isoformat(timespec="seconds"),
            "partial": self.partial,
            "complete": self.complete,
            "arms": [str(arm) for arm in self.arms],
            **self.wording.to_json(),
            "metrics": METRICS,
            "lines": {"labelled": lines, "asked": len(self.reads), "n": self.groups[0].n},
            "threads": self.threads,
            "took_s": round(self.took_s, 3),
            "problems": self.dataset.problems_json(),
            "alphabets": {str(one.arm): one.to_json() for one in self.reaches},
            "verdicts": [verdict.to_json() for verdict in self.verdicts],
            "groups": [group.to_json(self.arms) for group in self.groups],
            "failures": [
                {"file": read.line.file, "arm": str(arm), **dataclasses.asdict(failure)}
                for read, arm, failure in self.failures
            ],
        }


def measured(
    dataset: Dataset,
    arms: Sequence[Arm],
    reads: Sequence[Read],
    wording: Wording,
    *,
    allowed: float | None,
    threads: int,
    took_s: float,
    at: dt.datetime,
) -> ABTest:
    """Raises ValueError where nothing was asked."""
    if not reads:
        raise ValueError("no line was read")
    found = groups(reads, len(arms), wording)
    overall, names = found[0], [str(arm) for arm in arms]
    verdicts = tuple(
        judge(names[0], name, overall.differences[k] if overall.n else None, allowed)
        for k, name in enumerate(names[1:])
    )
    return ABTest(
        dataset, tuple(arms), tuple(reads), tuple(found), verdicts, wording, threads, took_s, at
    )
