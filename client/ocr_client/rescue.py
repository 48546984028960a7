"""Stable's answer in place of the candidate's empty or garbled one, in the same request."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Literal, Protocol

from ocr_rollout.core.garbled import Finding
from ocr_rollout.core.routing import Arm

from .deadline import Deadline
from .errors import OCRError
from .results import Reading

# rescued: stable's answer was taken. no_better: it is empty or garbled as well. failed: there was
# none in time. busy: stable was not asked, for the process has enough to do.
RescueResult = Literal["rescued", "no_better", "failed", "busy"]
Examine = Callable[[Arm, Reading], Finding]


class Read(Protocol):
    """Raises OCRError. last_resort: nobody else can answer in this arm's place."""

    def __call__(self, arm: Arm, deadline: Deadline, *, last_resort: bool) -> Reading: ...


@dataclasses.dataclass(frozen=True)
class Rescue:
    """deadline_s: for stable's answer. busy: asked when a rescue is due."""

    deadline_s: float
    busy: Callable[[], bool]
    examine: Examine

    def attempt(
        self, stable: Arm, read: Read, deadline: Deadline
    ) -> tuple[RescueResult, Reading | None]:
        """Never raises: the candidate's answer, such as it is, is there already.

        deadline: of the request; no more of it than `deadline_s` is spent.
        """
        if self.busy():
            return "busy", None
        try:
            reading = read(stable, deadline.within(self.deadline_s), last_resort=False)
        except OCRError:
            return "failed", None
        if self.examine(stable, reading).kind != "ok":
            return "no_better", None
        return "rescued", reading


def complaint(arm: Arm, finding: Finding) -> str:
    """What was wrong with an answer, in one line."""
    if finding.kind == "empty":
        return f"{arm}: no text found"
    return f"{arm}: garbled ({finding.check} {finding.observed:.3g}, limit {finding.limit:.3g})"
