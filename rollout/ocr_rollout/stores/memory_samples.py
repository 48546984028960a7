"""Samples and their images in the memory store."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Collection, Sequence

from ocr_rollout.stores.batches import Place, Sum, summed_deltas
from ocr_rollout.stores.documents import check_review, check_sample, decode, encode
from ocr_rollout.stores.samples import ReviewStep, Sample, SampleKind


@dataclasses.dataclass
class Kept:
    """sample: its times and its image. text, review: its documents."""

    sample: Sample
    text: str
    review: str | None

    @property
    def order(self) -> tuple[float, str]:
        return self.sample.at_s, self.sample.id

    def shown(self) -> Sample:
        return dataclasses.replace(
            self.sample,
            document=decode(self.text),
            review=None if self.review is None else decode(self.review),
            image=None,
        )


class MemorySamples:
    """The part of `MemoryStore` that keeps samples."""

    _changed: threading.Condition
    _samples: dict[str, Kept]

    def put_sample(self, sample: Sample, *, keep: int | None = None) -> bool:
        check_sample(sample)
        text = encode(sample.document)
        review = None if sample.review is None else encode(sample.review)
        with self._changed:
            if sample.id in self._samples:
                return False
            self._samples[sample.id] = Kept(sample, text, review)
            if keep is not None:
                for kept in self._newest(sample.kind)[keep:]:
                    del self._samples[kept.sample.id]
            return True

    def samples(
        self, since_s: float, until_s: float, limit: int = 100, *, kind: SampleKind = "line"
    ) -> Sequence[Sample]:
        with self._changed:
            found = [k for k in self._newest(kind) if since_s <= k.sample.at_s < until_s]
        return tuple(kept.shown() for kept in found[: max(0, limit)])

    def sample(self, sample_id: str) -> Sample | None:
        kept = self._samples.get(sample_id)
        return None if kept is None else kept.shown()

    def sample_image(self, sample_id: str) -> bytes | None:
        kept = self._samples.get(sample_id)
        return None if kept is None else kept.sample.image

    def review_sample(self, step: ReviewStep) -> bool:
        check_review(step)
        before = None if step.before is None else encode(step.before)
        after, sums = encode(step.after), summed_deltas(step.counts)
        with self._changed:
            kept = self._samples.get(step.sample_id)
            if kept is None or kept.review not in {before, after}:
                return False
            if kept.review != after:
                kept.review = after
                self._add_sums(sums)
            return True

    def delete_samples(self, sample_ids: Collection[str]) -> int:
        with self._changed:
            return sum(self._samples.pop(name, None) is not None for name in sample_ids)

    def _newest(self, kind: SampleKind) -> list[Kept]:
        found = [kept for kept in self._samples.values() if kept.sample.kind == kind]
        return sorted(found, key=lambda kept: kept.order, reverse=True)

    def _add_sums(self, sums: dict[Place, Sum]) -> None:
        raise NotImplementedError
