"""What the figures allow to say: which arm is better, and whether one is worse than allowed."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Final

from ocr_rollout.core.verdict import VerdictStatus

from .paired import Difference, Gain

# Lines for four of five tests of such a size to tell it: (1.96 + 0.84)^2 / 1.96^2 times as many
# as make the interval as wide as the difference.
_POWER: Final = 2.04


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Of one candidate against stable, in 1-CER over all lines that every arm has read.

    PASS: it is not worse than allowed, even at the low end of the interval. FAIL: it was measured
    worse than allowed. INCONCLUSIVE: it was not, but may be. ERROR: nothing was read by both.
    allowed: None where nobody asked; then PASS, FAIL: the interval says better or worse at all.
    """

    stable: str
    candidate: str
    status: VerdictStatus
    observed: float | None
    allowed: float | None
    n: int
    why: str

    def to_json(self) -> dict[str, Any]:
        return {"rule": "one_minus_cer", **dataclasses.asdict(self)}


def judge(stable: str, candidate: str, found: Difference | None, allowed: float | None) -> Verdict:
    """allowed: the loss of 1-CER that is still acceptable, 0 or more."""
    if found is None:
        why = f"no line was read by {stable} and {candidate}: nothing can be said"
        return Verdict(stable, candidate, "ERROR", None, allowed, 0, why)
    gain = found.cer
    status = _status(found, allowed)
    why = said(stable, candidate, found)
    if allowed is not None:
        why = f"{why} {_of_allowed(candidate, gain, allowed, status)}"
    return Verdict(stable, candidate, status, gain.value, allowed, found.n, why)


def said(stable: str, candidate: str, found: Difference) -> str:
    """Which of the two reads better, or that it cannot be told at this n."""
    gain, n = found.cer, found.n
    better, other = (candidate, stable) if found.side >= 0 else (stable, candidate)
    if found.side:
        first = (
            f"{better} reads better than {other}: the 1-CER of {candidate} less that of {stable}"
            f" is {_span(found)} at n = {n}."
        )
    else:
        first = (
            f"Which one reads better cannot be told at n = {n}: the 1-CER of {candidate} less that"
            f" of {stable} is {_span(found)}.{_more(gain, n)}"
        )
    return f"{first} {_lines(stable, candidate, found)}"


def lines_needed(gain: Gain, n: int) -> int | None:
    """Lines like these that would tell a difference of this size; None where nothing says so."""
    if gain.low is None or gain.high is None or not gain.value:
        return None
    half = (gain.high - gain.low) / 2
    return math.ceil(n * _POWER * (half / gain.value) ** 2)


def _status(found: Difference, allowed: float | None) -> VerdictStatus:
    gain = found.cer
    if allowed is None:
        return "PASS" if found.side > 0 else "FAIL" if found.side < 0 else "INCONCLUSIVE"
    if gain.value < -allowed:
        return "FAIL"
    return "PASS" if gain.low is not None and gain.low >= -allowed else "INCONCLUSIVE"


def _of_allowed(candidate: str, gain: Gain, allowed: float, status: VerdictStatus) -> str:
    if status == "FAIL":
        return f"{candidate} was measured worse than allowed: {gain.value:+.4f} < -{allowed:g}."
    if status == "PASS":
        return f"{candidate} is not worse by more than the {allowed:g} that is allowed."
    return (
        f"That {candidate} is worse by more than the {allowed:g} that is allowed is not ruled out."
    )


def _span(found: Difference) -> str:
    gain = found.cer
    if gain.low is None or gain.high is None:
        return f"{gain.value:+.4f} (too few lines for an interval)"
    return f"{gain.value:+.4f} (95 %: {gain.low:+.4f} to {gain.high:+.4f}; p = {found.p:.2g})"


def _more(gain: Gain, n: int) -> str:
    needed = lines_needed(gain, n)
    if needed is None or needed <= n:
        return ""
    rounded = round(needed, 1 - len(str(needed))) if needed >= 100 else needed
    return f" A difference of this size would take some {rounded:,} lines like these."


def _lines(stable: str, candidate: str, found: Difference) -> str:
    whole = found.whole
    only = whole.candidate_only + whole.stable_only
    if not only:
        return "Of whole lines, both read the same ones."
    return (
        f"Of {only} lines that only one of them read whole, {candidate} has"
        f" {whole.candidate_only} and {stable} {whole.stable_only}"
        f" (exact McNemar test, p = {whole.p:.2g})."
    )
