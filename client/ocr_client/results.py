"""What a request returns, as frozen records."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

from ocr_rollout.core.routing import Arm, Reason

AnswerReason = Reason | Literal["fell_back", "rescued"]


@dataclasses.dataclass(frozen=True)
class Character:
    """One character as the model saw it.

    confidence: the model's probability 0..1 for it, at the step where it is highest.
    left, right: source-image pixels [left, right) of the steps that show it. CTC models point at
        a character rather than outline it, so this is where it is, not how wide it is.
    """

    text: str
    confidence: float
    left: float
    right: float


@dataclasses.dataclass(frozen=True)
class Reading:
    """A line as one arm read it.

    confidence: the geometric mean of the characters' confidences, 0..1; 0 for an empty text,
        which nothing supports.
    """

    text: str
    confidence: float
    characters: tuple[Character, ...]


@dataclasses.dataclass(frozen=True)
class LineResult:
    """One request's answer. An image without text is a result with an empty text.

    confidence: the geometric mean of the characters' confidences, 0..1; 0 for an empty text.
    arm: the arm that answered. bucket: 0..9999, what the request hashes to.
    rollout: the id of the rollout that the request was routed by; without a plan the salt.
    generation: of that rollout's state; it counts decisions.
    fell_back: the candidate failed and stable answered in its place.
    rescued: the candidate's answer was empty or garbled, and stable's was taken in its place.
    reason: why this arm: `candidate_range`, `stable_range`, `candidate_out`, `forced`,
        `fell_back` or `rescued`. fault: what the candidate failed of, or what was wrong with its
        answer, one line, in the last two cases.
    time_ms: from the call to the answer, loading included.
    """

    text: str
    confidence: float
    characters: tuple[Character, ...]
    arm: Arm
    bucket: int
    rollout: str
    generation: int
    fell_back: bool
    rescued: bool
    reason: AnswerReason
    fault: str | None
    time_ms: float
    request_id: str

    def to_json(self) -> dict[str, Any]:
        """Plain values, ready for `json.dumps`."""
        return {
            "text": self.text,
            "confidence": round(self.confidence, 4),
            "characters": [
                {
                    "text": character.text,
                    "confidence": round(character.confidence, 4),
                    "x": [round(character.left, 1), round(character.right, 1)],
                }
                for character in self.characters
            ],
            "arm": {"model": self.arm.model, "version": self.arm.version},
            "bucket": self.bucket,
            "rollout": self.rollout,
            "generation": self.generation,
            "fell_back": self.fell_back,
            "rescued": self.rescued,
            "reason": self.reason,
            "fault": self.fault,
            "time_ms": round(self.time_ms, 2),
            "request_id": self.request_id,
        }
