"""What each attempt counts as, and whose fault it was. Pure, so a stop changes nothing.

Whether a text is garbled depends on how sure its arm usually is, which is learnt from the answers
before it, as in production.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal

from ocr_client.comparison import compared
from ocr_client.norms import Norms
from ocr_client.rescue import complaint
from ocr_client.results import Reading as Answer
from ocr_rollout.core.counts import Pairs
from ocr_rollout.core.outcomes import ERRORS, NEVER, Outcome
from ocr_rollout.core.reviews import Disputes
from ocr_rollout.core.routing import Arm
from ocr_rollout.core.texts import edit_distance, normalised_distance, plain

from .attempts import Attempt, Reading
from .sources import Picture

# `image`: nobody can read it. `both`: stable failed as well, so it says nothing of the candidate.
Whose = Literal["candidate", "stable", "both", "image"]


@dataclasses.dataclass(frozen=True)
class Judged:
    """One arm's attempt as it counts. why: empty for `ok`."""

    outcome: Outcome
    text: str
    ms: float
    why: str

    @property
    def answered(self) -> bool:
        """Well or badly."""
        return self.outcome not in ERRORS and self.outcome not in NEVER


@dataclasses.dataclass(frozen=True)
class Image:
    """truth: what stands there; None: nobody has said. pair: None where one was not tried."""

    name: str
    truth: str | None
    height: int
    width: int
    stable: Judged
    candidate: Judged
    pair: Pairs | None

    @property
    def whose(self) -> Whose | None:
        """Whose fault; None where all is well."""
        bad = self.stable.outcome != "ok", self.candidate.outcome != "ok"
        if not any(bad):
            return None
        if "client_fault" in {self.stable.outcome, self.candidate.outcome}:
            return "image"
        return "both" if all(bad) else "candidate" if bad[1] else "stable"

    @property
    def differs(self) -> bool:
        """Both arms read it, well as it seems, and not alike."""
        return self.pair is not None and bool(self.pair.both_fine) and not self.pair.equal

    @property
    def dispute(self) -> Disputes:
        """As a reviewer of a pair would have said it; nothing where the truth is not known."""
        if not self.differs or self.truth is None:
            return Disputes()
        truth = plain(self.truth)
        return Disputes.of(
            candidate_right=plain(self.candidate.text) == truth,
            stable_right=plain(self.stable.text) == truth,
        )

    def failing_json(self) -> dict[str, Any]:
        arms = {"stable": self.stable, "candidate": self.candidate}
        said = {role: {"outcome": one.outcome, "why": one.why} for role, one in arms.items()}
        return {"image": self.name, "whose": self.whose, **said}


@dataclasses.dataclass(frozen=True)
class Disagreement:
    """distance: by the longer text, 0..1; edits: characters. After NFKC, spaces removed."""

    image: str
    stable: str
    candidate: str
    truth: str | None
    distance: float
    edits: int


def images(
    readings: Iterable[tuple[Picture, Reading]],
    truths: Mapping[str, str],
    stable: Arm,
    candidate: Arm,
) -> Iterator[Image]:
    """In the order of the readings."""
    norms = Norms(_at_once)
    for picture, reading in readings:
        one = _judged(norms, stable, reading.stable)
        other = _judged(norms, candidate, reading.candidate)
        yield Image(
            picture.name,
            truths.get(reading.digest),
            reading.height,
            reading.width,
            one,
            other,
            compared(one.outcome, one.text, other.outcome, other.text),
        )


def worst(found: Iterable[Image], most: int) -> list[Disagreement]:
    """Those with the largest share of characters that differ."""
    disagreements = []
    for image in found:
        if image.differs:
            texts = plain(image.stable.text), plain(image.candidate.text)
            disagreements.append(
                Disagreement(
                    image.name,
                    image.stable.text,
                    image.candidate.text,
                    image.truth,
                    normalised_distance(*texts),
                    edit_distance(*texts),
                )
            )
    disagreements.sort(key=lambda one: (-one.distance, -one.edits, one.image))
    return disagreements[:most]


def _judged(norms: Norms, arm: Arm, attempt: Attempt) -> Judged:
    if attempt.fault is not None:
        return Judged(attempt.fault, "", attempt.ms, attempt.why)
    finding = norms.learn(arm, Answer(attempt.text, attempt.confidence, ()))
    why = "" if finding.kind == "ok" else complaint(arm, finding)
    return Judged(finding.kind, attempt.text, attempt.ms, why)


def _at_once(job: Callable[[], None]) -> bool:
    job()
    return True
