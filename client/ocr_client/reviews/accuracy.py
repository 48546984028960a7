"""What reviewers found, as figures with intervals for people: of each arm, and of each kind."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ocr_rollout.core.counts import Pairs
from ocr_rollout.core.intervals import Estimate, characters_right, paired, two_arms, wilson
from ocr_rollout.core.reviews import Disputes, Lines, Reviews, Said


@dataclasses.dataclass(frozen=True)
class ArmAccuracy:
    """lines: share of reviewed lines that are right as a whole. characters: 1-CER."""

    lines: Estimate | None
    characters: Estimate | None

    def to_dict(self) -> dict[str, Any]:
        return {"lines_right": _dict(self.lines), "characters_right": _dict(self.characters)}


@dataclasses.dataclass(frozen=True)
class KindAccuracy:
    stable: ArmAccuracy
    candidate: ArmAccuracy
    difference: Estimate | None
    disputes: Disputes

    def to_dict(self) -> dict[str, Any]:
        return {
            "stable": self.stable.to_dict(),
            "candidate": self.candidate.to_dict(),
            "difference": _dict(self.difference),
            "disputes": dataclasses.asdict(self.disputes),
        }


@dataclasses.dataclass(frozen=True)
class Accuracy:
    """Of one rollout. Intervals of 95 %, for a look now and then (`core.intervals`).

    difference: the candidate's share of right lines less stable's, from samples of both; paired:
    the same from the disputes among `images` that both arms read, in this epoch.
    feedback: what users said without being asked, by role.
    """

    all: KindAccuracy
    kinds: Mapping[str, KindAccuracy]
    paired: Estimate | None
    feedback: Mapping[str, Said]

    @property
    def reviewed(self) -> int:
        found = (self.all.stable.lines, self.all.candidate.lines)
        return sum(one.n for one in found if one is not None) + self.all.disputes.pairs

    def to_dict(self) -> dict[str, Any]:
        return {
            "reviewed": self.reviewed,
            **self.all.to_dict(),
            "paired_difference": _dict(self.paired),
            "kinds": {kind: found.to_dict() for kind, found in self.kinds.items()},
            "feedback": {role: dataclasses.asdict(said) for role, said in self.feedback.items()},
        }


def accuracy(reviews: Reviews, pairs: Pairs) -> Accuracy:
    """pairs: of the epoch, for how many images are in dispute."""
    return Accuracy(
        all=_kind(reviews.stable_total, reviews.candidate_total, reviews.disputes_total),
        kinds={
            kind: _kind(
                reviews.stable.get(kind, Lines()),
                reviews.candidate.get(kind, Lines()),
                reviews.disputes.get(kind, Disputes()),
            )
            for kind in reviews.kinds
        },
        paired=paired(
            reviews.disputes_total, images=pairs.both_fine, disputed=pairs.both_fine - pairs.equal
        ),
        feedback=dict(reviews.feedback),
    )


def _kind(stable: Lines, candidate: Lines, disputes: Disputes) -> KindAccuracy:
    return KindAccuracy(_arm(stable), _arm(candidate), two_arms(stable, candidate), disputes)


def _arm(lines: Lines) -> ArmAccuracy:
    return ArmAccuracy(wilson(lines.right, lines.lines), characters_right(lines))


def _dict(estimate: Estimate | None) -> dict[str, Any] | None:
    return None if estimate is None else estimate.to_dict()
