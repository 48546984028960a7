"""Samples and their images in the Redis store. Images travel as base64: the connection is of text."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Iterator, Sequence

from ocr_rollout.stores import redis_sample_scripts as scripts
from ocr_rollout.stores.documents import check_review, check_sample, decode, encode
from ocr_rollout.stores.redis_link import RedisLink
from ocr_rollout.stores.redis_rows import rows, ttl
from ocr_rollout.stores.samples import ReviewStep, Sample, SampleKind

DELETED_AT_ONCE = 500  # Redis answers nobody else meanwhile


class RedisSamples:
    """The part of `RedisStore` that keeps samples."""

    _link: RedisLink

    def put_sample(self, sample: Sample, *, keep: int | None = None) -> bool:
        check_sample(sample)
        done = self._link.call(
            scripts.PUT_SAMPLE,
            sample.id,
            sample.kind,
            sample.at_s,
            sample.expires_s,
            ttl(sample.expires_s, sample.at_s),
            encode(sample.document),
            "" if sample.review is None else encode(sample.review),
            "" if sample.image is None else base64.b64encode(sample.image).decode(),
            "" if keep is None else keep,
        )
        return bool(done)

    def samples(
        self, since_s: float, until_s: float, limit: int = 100, *, kind: SampleKind = "line"
    ) -> Sequence[Sample]:
        found = self._link.call(scripts.SAMPLES, kind, since_s, until_s, max(0, limit))
        with self._link.named():
            return tuple(map(_sample, found))

    def sample(self, sample_id: str) -> Sample | None:
        found = self._link.call(scripts.SAMPLE, sample_id)
        with self._link.named():
            return _sample(found) if found else None

    def sample_image(self, sample_id: str) -> bytes | None:
        text = self._link.call(scripts.IMAGE, sample_id)
        return base64.b64decode(text) if text else None

    def review_sample(self, step: ReviewStep) -> bool:
        check_review(step)
        done = self._link.call(
            scripts.REVIEW_SAMPLE,
            step.sample_id,
            "" if step.before is None else encode(step.before),
            encode(step.after),
            json.dumps(rows(step.counts, step.at_s)),
        )
        return bool(done)

    def delete_samples(self, sample_ids: Collection[str]) -> int:
        return sum(
            self._link.call(scripts.DELETE_SAMPLES, *some) for some in _portions(list(sample_ids))
        )


def _portions(ids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), DELETED_AT_ONCE):
        yield ids[start : start + DELETED_AT_ONCE]


def _sample(found: Sequence[str]) -> Sample:
    name, at_s, expires_s, text, review, kind = found
    return Sample(
        name,
        float(at_s),
        float(expires_s),
        decode(text),
        decode(review) if review else None,
        kind=kind,  # type: ignore[arg-type]  # as `check_sample` let it in
    )
