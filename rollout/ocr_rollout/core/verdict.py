"""What a rule says: "bad", "unknown" and "could not measure" stay apart."""

from __future__ import annotations

import dataclasses
from typing import Any, Final, Literal

# PASS: enough was seen, and nothing speaks against the candidate. FAIL: the rule tripped.
# INCONCLUSIVE: too little was seen. ERROR: what was seen makes no sense. Only PASS is a success.
VerdictStatus = Literal["PASS", "FAIL", "INCONCLUSIVE", "ERROR"]
Rule = Literal[
    "share",
    "early",
    "late",
    "quality",
    "quality_pairs",
    "latency",
    "latency_ratio",
    "review",
    "advance",
    "common_cause",
]

# A limit at which no number of faults could prove anything; `auto_rollback_threshold: 1` is never.
NO_LIMIT: Final = 0.999


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """One rule's answer with its numbers.

    observed, limit: in the unit that `why` names; what was compared with what.
    samples: how many requests, faults or pairs it rests on.
    why: one line for people.
    """

    status: VerdictStatus
    rule: Rule
    observed: float | None
    limit: float | None
    samples: int
    why: str

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def senseless(rule: Rule, n: int, s: int) -> Verdict | None:
    """An ERROR where counts cannot be: fewer than none, or more faults than requests."""
    if 0 <= s <= n:
        return None
    return Verdict("ERROR", rule, float(s), float(n), n, f"{s} of {n} is no share")
