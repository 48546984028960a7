"""Who answers in the end: the assigned arm, or stable in the candidate's place.

| the candidate | stable is asked | so the answer is |
|---|---|---|
| fails | with what is left of the deadline | stable's (`fell_back`), or an error |
| answers nothing, or nonsense | for a moment (`rescue`) | stable's where it is better (`rescued`) |

In both cases the candidate's fault counts; what stable does in its place does not, for it was
asked because of a difficult image.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from ocr_rollout.core.garbled import Finding
from ocr_rollout.core.outcomes import Outcome
from ocr_rollout.core.routing import Arm, Assignment

from .deadline import Deadline
from .errors import CallerError, NoArmError, OCRError, UnreachableError
from .outcomes import outcome_of
from .rescue import Examine, Read, Rescue, RescueResult
from .results import Reading


@dataclasses.dataclass(frozen=True, slots=True)
class Attempt:
    """The first attempt of a request, on the arm that it was assigned to.

    outcome: None where nothing was tried, and so nothing is to be counted.
    latency_ms: from its beginning, preparation included, to its end.
    reading: None where it ended in a fault.
    """

    arm: Arm
    outcome: Outcome | None
    latency_ms: float
    reading: Reading | None = None


@dataclasses.dataclass(frozen=True)
class Answer:
    """fault: why the candidate did not answer, where stable did in its place.

    finding: what was wrong with the candidate's answer, where a rescue was due.
    rescue: how that went; None where none was due.
    """

    reading: Reading
    arm: Arm
    fault: OCRError | None = None
    finding: Finding | None = None
    rescue: RescueResult | None = None

    @property
    def rescued(self) -> Finding | None:
        """What was wrong with the candidate's answer, where stable's was taken in its place."""
        return self.finding if self.rescue == "rescued" else None


def answer(
    assignment: Assignment,
    stable: Arm,
    read: Read,
    *,
    deadline: Deadline,
    candidate_deadline_s: float,
    examine: Examine,
    attempted: Callable[[Attempt], None],
    rescue: Rescue | None = None,
) -> Answer:
    """Raises OCRError when nobody can answer, NoArmError when both arms were asked.

    Stable answers for a candidate that fails, within the same deadline, of which the candidate
    gets `candidate_deadline_s`. A forced arm answers or fails. An image that cannot be read
    fails with every arm, and an address where nothing answers has no other arm either.

    examine: what to make of the assigned arm's answer.
    attempted: told of the first attempt as soon as it has ended; of a forced one never.
    rescue: None where an empty or garbled answer is to stay.
    """
    arm = assignment.arm
    if assignment.reason == "forced":
        return Answer(read(arm, deadline, last_resort=True), arm)
    on_trial = arm != stable
    started_s, in_time = deadline.clock(), deadline.left_s() > 0
    allotted = deadline.within(candidate_deadline_s) if on_trial else deadline
    try:
        reading = read(arm, allotted, last_resort=not on_trial)
    except OCRError as fault:
        outcome = outcome_of(fault) if in_time else None
        attempted(Attempt(arm, outcome, (deadline.clock() - started_s) * 1e3))
        if not on_trial or isinstance(fault, CallerError | UnreachableError):
            raise
        try:
            return Answer(read(stable, deadline, last_resort=True), stable, fault)
        except OCRError as error:
            raise NoArmError(fault, error) from error
    latency_ms = (deadline.clock() - started_s) * 1e3
    finding = examine(arm, reading)
    attempted(Attempt(arm, finding.kind, latency_ms, reading))
    if not on_trial or finding.kind == "ok" or rescue is None:
        return Answer(reading, arm)
    result, other = rescue.attempt(stable, read, deadline)
    if other is None:
        return Answer(reading, arm, finding=finding, rescue=result)
    return Answer(other, stable, finding=finding, rescue=result)
