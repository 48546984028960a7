"""What a sample's document says, and who is drawn for one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from ocr_rollout.core.routing import bucket_of
from ocr_rollout.runtime import View
from ocr_rollout.stores import Sample
from ocr_rollout.stores.review_series import reviews_of

SCHEMA = 1
LINES = "/review"  # purposes of a salt: with the routing's own, only the candidate's were drawn
DISPUTES = "/disputes"
Role = Literal["stable", "candidate"]


T = TypeVar("T")


class SampleError(ValueError):
    """A sample that this version cannot read. One line."""


def drawn(view: View, request_id: str, purpose: str, share_bp: int) -> bool:
    """Each request is drawn for itself, apart from its arm.

    Not by the route key: under `sticky: user` a user who is drawn would have all images kept.
    """
    return share_bp > 0 and bucket_of(request_id, view.rollout_id + purpose) < share_bp


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where a sample comes from.

    where: what its review counts for (`stores.review_series`). phase: 1-based; None: none.
    user: a hash; None where the request named nobody.
    """

    request_id: str
    where: str
    rollout: str
    generation: int
    epoch: int
    phase: int | None
    bucket: int
    user: str | None

    @classmethod
    def of(cls, view: View, *, request_id: str, bucket: int, user: str | None) -> Origin:
        state = view.state
        return cls(
            request_id=request_id,
            where=reviews_of(state, view.rollout_id),
            rollout=view.rollout_id,
            generation=view.generation,
            epoch=view.epoch,
            phase=state.phase + 1 if view.follows and state.live else None,
            bucket=bucket,
            user=user,
        )


@dataclasses.dataclass(frozen=True)
class Line:
    """An arm's answer, as it gave it: before any rescue. outcome: what the judge counted."""

    origin: Origin
    role: Role
    arm: str
    text: str
    confidence: float
    outcome: str

    def to_dict(self) -> dict[str, Any]:
        return {"schema": SCHEMA, **dataclasses.asdict(self)}


@dataclasses.dataclass(frozen=True)
class DisagreementSample:
    """One image, two texts. distance: normalised edit distance, 0..1; edits: characters."""

    origin: Origin
    stable_arm: str
    stable_text: str
    candidate_arm: str
    candidate_text: str
    distance: float
    edits: int

    def to_dict(self) -> dict[str, Any]:
        return {"schema": SCHEMA, **dataclasses.asdict(self)}


def line_of(sample: Sample) -> Line:
    """Raises SampleError."""
    return _record(Line, sample)


def disagreement_of(sample: Sample) -> DisagreementSample:
    """Raises SampleError."""
    return _record(DisagreementSample, sample)


def user_of(sample: Sample) -> str | None:
    """The user's hash, whatever else the document says."""
    origin = sample.document.get("origin")
    user = origin.get("user") if isinstance(origin, Mapping) else sample.document.get("user")
    return user if isinstance(user, str) else None


def _record(kind: type[T], sample: Sample) -> T:
    values = dict(sample.document)
    try:
        if values.pop("schema") > SCHEMA:
            raise SampleError(f"sample {sample.id}: written by a newer version; upgrade this one")
        return kind(**{**values, "origin": Origin(**values["origin"])})
    except (KeyError, TypeError) as error:
        raise SampleError(f"sample {sample.id}: cannot be read: {error}") from None
