"""A replay as one record: what the rollout would have said, and what it rests on."""

from __future__ import annotations

import dataclasses
import datetime as dt
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from ocr_client.reviews.accuracy import Accuracy, accuracy
from ocr_rollout.core.counts import Counts, Pairs
from ocr_rollout.core.intervals import wilson
from ocr_rollout.core.outcomes import TIMED
from ocr_rollout.core.plan import Plan
from ocr_rollout.core.reviews import UNSAID, Disputes, Lines, Reviews
from ocr_rollout.core.texts import NORMALISATION, edit_distance, plain
from ocr_rollout.core.verdict import VerdictStatus

from .images import Disagreement, Image, Judged, images, worst
from .run import Seen
from .sources import Source
from .story import EVERY_S, Story, story

WORST: Final = 20


@dataclasses.dataclass(frozen=True)
class ArmFigures:
    """p50_ms, p95_ms: of `timed` attempts, from the decoded image to the end; None of none."""

    counts: Counts
    timed: int
    p50_ms: float | None
    p95_ms: float | None

    def to_json(self) -> dict[str, Any]:
        return {
            "attempts": self.counts.requests,
            "errors": self.counts.errors,
            "quality_faults": self.counts.quality_faults,
            "outcomes": {k: n for k, n in self.counts.to_record().items() if ":" not in k},
            "latency_ms": {"n": self.timed, "p50": self.p50_ms, "p95": self.p95_ms},
        }


@dataclasses.dataclass(frozen=True)
class Replay:
    """source, problems: what was given, and what was wrong with it, counted.

    accuracy: of images whose text somebody has said; None: of none.
    """

    source: str
    problems: Mapping[str, int]
    given: int
    seen: Seen
    plan: Plan
    images: tuple[Image, ...]
    story: Story
    stable: ArmFigures
    candidate: ArmFigures
    pairs: Pairs
    worst: tuple[Disagreement, ...]
    accuracy: Accuracy | None
    threads: int
    at: dt.datetime

    @property
    def failing(self) -> list[Image]:
        return [image for image in self.images if image.whose is not None]

    @property
    def unreadable(self) -> int:
        return sum(image.whose == "image" for image in self.images)

    @property
    def status(self) -> VerdictStatus:
        """ERROR too where no image could be read at all."""
        if not self.candidate.counts.requests:
            return "ERROR"
        return self.story.status

    def to_json(self) -> dict[str, Any]:
        seen, told = self.seen, self.story
        agreement = wilson(self.pairs.equal, self.pairs.both_fine)
        return {
            "source": self.source,
            "at": self.at.isoformat(timespec="seconds"),
            "partial": seen.partial,
            "stable": str(self.plan.stable),
            "candidate": str(self.plan.candidate),
            "status": self.status,
            "said": said(self),
            "rollout": {
                "ending": told.ending,
                "at_image": told.at,
                "why": told.why,
                "thaws": told.thaws,
                "seconds_between_images": EVERY_S,
                "phases": [dataclasses.asdict(stay) for stay in told.stays],
            },
            "rules": [ruling.to_json() for ruling in told.rulings],
            "images": {
                "given": self.given,
                "n": len(self.images),
                "from_the_journal": seen.known,
                "unreadable": self.unreadable,
                "duplicates": [list(names) for names in seen.duplicates],
                "without_an_image": seen.without,
                "problems": dict(self.problems),
                "height_px": self._sizes(lambda image: image.height),
                "width_px": self._sizes(lambda image: image.width),
            },
            "arms": {"stable": self.stable.to_json(), "candidate": self.candidate.to_json()},
            "threads": self.threads,
            "texts": {
                **dataclasses.asdict(self.pairs),
                "agreement": agreement and agreement.to_dict(),
                "mean_distance": self.mean_distance,
            },
            "known_texts": self._known_texts(),
            "worst_disagreements": [dataclasses.asdict(one) for one in self.worst],
            "failing": [image.failing_json() for image in self.failing],
            "plan": self.plan.to_dict(),
        }

    @property
    def mean_distance(self) -> float | None:
        """Normalised edit distance, 0..1, of the pairs that both arms read well."""
        pairs = self.pairs
        return pairs.distance_milli / 1_000 / pairs.both_fine if pairs.both_fine else None

    def _known_texts(self) -> dict[str, Any] | None:
        if self.accuracy is None:
            return None
        found, paired = self.accuracy.all, self.accuracy.paired
        return {
            "normalisation": NORMALISATION,
            "stable": found.stable.to_dict(),
            "candidate": found.candidate.to_dict(),
            "disputes": dataclasses.asdict(found.disputes),
            "paired_difference": paired and paired.to_dict(),
        }

    def _sizes(self, side: Callable[[Image], int]) -> dict[str, float] | None:
        found = [side(image) for image in self.images if side(image)]
        if not found:
            return None
        return {"least": min(found), "median": statistics.median(found), "most": max(found)}


def replayed(source: Source, seen: Seen, plan: Plan, *, threads: int, at: dt.datetime) -> Replay:
    """Depends on nothing but what was read, and the plan."""
    found = tuple(images(seen.readings, seen.truths, plan.stable, plan.candidate))
    pairs = sum((image.pair for image in found if image.pair is not None), Pairs())
    return Replay(
        source=source.where,
        problems=source.said,
        given=len(source.pictures),
        seen=seen,
        plan=plan,
        images=found,
        story=story(plan, found),
        stable=_figures([image.stable for image in found]),
        candidate=_figures([image.candidate for image in found]),
        pairs=pairs,
        worst=tuple(worst(found, WORST)),
        accuracy=_accuracy(found, pairs),
        threads=threads,
        at=at,
    )


def said(replay: Replay) -> str:
    """What the rollout would have said, in a sentence."""
    told, candidate, n = replay.story, replay.plan.candidate, len(replay.images)
    if replay.status == "ERROR":
        wrong = (r.verdict for r in told.rulings if r.verdict.status == "ERROR")
        reasons = "; ".join(f"{verdict.rule}: {verdict.why}" for verdict in wrong)
        return f"Nothing can be said: {reasons or f'none of {n} images was read by {candidate}'}."
    if told.ending in {"roll_back", "freeze"}:
        done = "taken back" if told.ending == "roll_back" else "frozen where it was"
        phase = max(stay.phase for stay in told.stays if stay.first is not None)
        return f"{candidate} would have been {done} after image {told.at}, in phase {phase}: {told.why}."
    if told.ending == "complete":
        return f"{candidate} would have gone through all phases after {told.at} images."
    if told.ending == "common_cause":
        return (
            f"The rollout would stand frozen: {replay.plan.stable} fails too, so nobody is blamed."
        )
    stay = next(stay for stay in told.stays if stay.left is None)
    through = (
        f"would have left phase {stay.phase - 1}" if stay.phase > 1 else "would not be taken back"
    )
    return (
        f"{candidate} {through}; to leave phase {stay.phase}, {n} images are too few:"
        f" {'; '.join(stay.missing) or 'no image is left for it'}."
    )


def _figures(attempts: Sequence[Judged]) -> ArmFigures:
    counts = sum((Counts.of(one.outcome, one.ms) for one in attempts), Counts())
    times = [one.ms for one in attempts if one.outcome in TIMED]
    if not times:
        return ArmFigures(counts, 0, None, None)
    p50, p95 = np.percentile(times, [50, 95])
    return ArmFigures(counts, len(times), round(float(p50), 3), round(float(p95), 3))


def _accuracy(found: Iterable[Image], pairs: Pairs) -> Accuracy | None:
    """Of images that both arms answered and whose text is known: as if reviewers had said it."""
    stable, candidate, disputes = Lines(), Lines(), Disputes()
    for image in found:
        if image.truth is None or not (image.stable.answered and image.candidate.answered):
            continue
        stable += _line(image.truth, image.stable)
        candidate += _line(image.truth, image.candidate)
        disputes += image.dispute
    if not stable.lines:
        return None
    reviews = Reviews({UNSAID: stable}, {UNSAID: candidate}, {UNSAID: disputes})
    return accuracy(reviews, pairs)


def _line(truth: str, found: Judged) -> Lines:
    wanted = plain(truth)
    return Lines.of(edit_distance(plain(found.text), wanted), len(wanted))
