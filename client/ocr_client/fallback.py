"""Who answers in the end: the assigned arm, or stable in the candidate's place."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from ocr_rollout.core.routing import Arm, Assignment

from .deadline import Deadline
from .errors import CallerError, NoArmError, OCRError, UnreachableError
from .results import Reading

Read = Callable[[Arm, Deadline], Reading]


@dataclasses.dataclass(frozen=True)
class Answer:
    """fault: why the candidate did not answer, where stable did in its place."""

    reading: Reading
    arm: Arm
    fault: OCRError | None = None


def answer(
    assignment: Assignment,
    stable: Arm,
    read: Read,
    *,
    deadline: Deadline,
    candidate_deadline_s: float,
) -> Answer:
    """Raises OCRError when nobody can answer, NoArmError when both arms were asked.

    Stable answers for a candidate that fails, within the same deadline, of which the candidate
    gets `candidate_deadline_s`. A forced arm answers or fails. An image that cannot be read
    fails with every arm, and an address where nothing answers has no other arm either.
    """
    if assignment.reason == "forced" or assignment.arm == stable:
        return Answer(read(assignment.arm, deadline), assignment.arm)
    try:
        reading = read(assignment.arm, deadline.within(candidate_deadline_s))
    except (CallerError, UnreachableError):
        raise
    except OCRError as fault:
        try:
            return Answer(read(stable, deadline), stable, fault)
        except OCRError as error:
            raise NoArmError(fault, error) from error
    return Answer(reading, assignment.arm)
