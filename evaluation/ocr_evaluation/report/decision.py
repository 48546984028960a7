"""What is asked at the gate, what may be recommended, and every point for and against it. Pure.

| recommendation | when |
|---|---|
| `back` | a rule of the judge has tripped, and nobody carried it out yet |
| `hold` | a point blocks: something speaks surely against it, or what the gate needs is not known |
| `go` | the rollout waits at its gate, nothing blocks, and somebody has checked texts |
| `none` | nothing is under way |

No data is never success: what was not measured is a point of its own, and where it is about whether
texts are right at all, it blocks.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any, Literal

from ocr_rollout.core.routing import BUCKETS

from .evidence import Evidence
from .points import Point, Side, points

Recommendation = Literal["go", "hold", "back", "none"]


@dataclasses.dataclass(frozen=True)
class Question:
    """What people at the gate are asked. gate: the phase, 1-based; None: no gate is ahead.

    to_bp: the candidate's share behind it; all of the traffic where it is the last one.
    """

    gate: int | None
    gates: int
    aim: str
    manual: bool
    from_bp: int
    to_bp: int
    last: bool

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class Decision:
    question: Question
    recommendation: Recommendation
    points: tuple[Point, ...]

    def of(self, side: Side) -> tuple[Point, ...]:
        """What blocks first."""
        return tuple(sorted((p for p in self.points if p.side == side), key=lambda p: not p.blocks))

    @property
    def blocking(self) -> tuple[Point, ...]:
        return tuple(point for point in self.points if point.blocks)

    def to_dict(self) -> dict[str, Any]:
        return {
            "question": self.question.to_dict(),
            "recommendation": self.recommendation,
            "points": [point.to_dict() for point in self.points],
        }


def decide(found: Evidence) -> Decision:
    asked, said = question(found), tuple(points(found))
    return Decision(asked, recommend(found, asked, said), said)


def question(found: Evidence) -> Question:
    facts = found.facts
    plan, state, phase = facts.plan, facts.state, facts.phase
    if phase is None:
        return Question(None, len(plan.phases), "", False, state.weight_bp, state.weight_bp, False)
    last = phase + 1 == len(plan.phases)
    here = plan.phases[phase]
    return Question(
        gate=phase + 1,
        gates=len(plan.phases),
        aim=here.aim,
        manual=here.gate == "manual",
        from_bp=state.weight_bp,
        to_bp=BUCKETS if last else plan.weight_bp(phase + 1),
        last=last,
    )


def recommend(found: Evidence, asked: Question, points: Iterable[Point]) -> Recommendation:
    state = found.facts.state
    if not state.live:
        return "none"
    if found.facts.step.judgement.trip is not None:
        return "back"
    blocked = any(point.blocks for point in points)
    ready = state.status == "waiting" and asked.gate is not None
    return "go" if ready and not blocked else "hold"
