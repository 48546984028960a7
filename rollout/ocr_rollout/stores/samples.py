"""What people are to check, as records and a protocol; part of `protocol`."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, Literal, Protocol, get_args

from ocr_rollout.stores.deltas import CountDelta

# `line`: an answer. `pair`: two texts of one image. `feedback`: what a user said of an answer.
SampleKind = Literal["line", "pair", "feedback"]
KINDS: Final[tuple[SampleKind, ...]] = get_args(SampleKind)
MAX_IMAGE_BYTES: Final = 1 << 20


@dataclasses.dataclass(frozen=True)
class Sample:
    """One thing for people to check.

    id: also of the image. kind: each is listed for itself. review: what was said of it, or who is
    at it; None while nobody was. image: of a file format, to be written with it; `sample_image`
    reads it, and what is read has none.
    """

    id: str
    at_s: float
    expires_s: float
    document: Mapping[str, Any]
    review: Mapping[str, Any] | None = None
    kind: SampleKind = "line"
    image: bytes | None = dataclasses.field(default=None, repr=False)


@dataclasses.dataclass(frozen=True)
class ReviewStep:
    """One review in the place of another: all of it is written, or nothing.

    before: what is replaced; None: there is none yet. counts: what is added by it, so that a
    review is counted exactly once. at_s: now.
    """

    sample_id: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]
    at_s: float
    counts: Sequence[CountDelta] = ()


class SampleStore(Protocol):
    """Samples and their images; gone when they expire or somebody deletes them."""

    def put_sample(self, sample: Sample, *, keep: int | None = None) -> bool:
        """False when one with its id is there; that one stays.

        keep: of its kind so many stay, and the oldest go for it.
        """

    def samples(
        self, since_s: float, until_s: float, limit: int = 100, *, kind: SampleKind = "line"
    ) -> Sequence[Sample]:
        """Drawn at or after `since_s` and before `until_s`, the newest first."""

    def sample(self, sample_id: str) -> Sample | None:
        """None when there is none, or none any more."""

    def sample_image(self, sample_id: str) -> bytes | None:
        """None when there is no such sample, or it has no image."""

    def review_sample(self, step: ReviewStep) -> bool:
        """False, and nothing written, when there is no such sample or its review is another.

        True also where `after` stands already: a repeated step counts nothing twice.
        """

    def delete_samples(self, sample_ids: Collection[str]) -> int:
        """How many there were. Text, review and image are gone for good when it returns.

        A Redis that keeps an append-only file has them in there until it rewrites it.
        """
