"""Two texts of one image, compared."""

from __future__ import annotations

from ocr_rollout.core.counts import Pairs
from ocr_rollout.core.outcomes import ERRORS, NEVER, QUALITY_FAULTS, Outcome
from ocr_rollout.core.texts import normalised_distance, plain

# Characters of a text that are compared. The time grows with the square of it: some 4 ms.
LONGEST = 4_000
_BAD = ERRORS | QUALITY_FAULTS


def compared(
    stable: Outcome | None, stable_text: str, candidate: Outcome | None, candidate_text: str
) -> Pairs | None:
    """One pair as the judge counts it. None where one of them was not tried, or not in earnest.

    The texts count only where both answers are fine.
    """
    if stable is None or candidate is None or stable in NEVER or candidate in NEVER:
        return None
    if stable in _BAD or candidate in _BAD:
        return Pairs(
            candidate_only=int(stable not in _BAD),
            stable_only=int(candidate not in _BAD),
            both_bad=int(stable in _BAD and candidate in _BAD),
        )
    one, other = plain(stable_text), plain(candidate_text)
    return Pairs(
        both_fine=1,
        equal=int(one == other),
        distance_milli=round(1_000 * normalised_distance(one[:LONGEST], other[:LONGEST])),
    )
