"""`ReviewDesk`: what reviewers, users and those who delete do, on a store that many share."""

from __future__ import annotations

import math
import time
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any, Final

from ocr_client.operations.refused import RefusedError
from ocr_rollout.core.reviews import UNSAID
from ocr_rollout.runtime.transitions import read_state
from ocr_rollout.stores import ReviewStep, Sample, SampleKind, Store
from ocr_rollout.stores.review_series import read_reviews, reviews_of
from ocr_rollout.stores.samples import KINDS

from . import tasks
from .samples import DisagreementSample, Line, disagreement_of, line_of, user_of
from .settings import ReviewSettings
from .tasks import Review, Task

LONGEST_TEXT: Final = 4_000  # characters
RACES: Final = 10
_ALL: Final = 1_000_000  # more than any `keep`


class ReviewDesk:
    """Raises StorageError, and RefusedError, one line, for what is not accepted. Safe in threads.

    rollout_id: of the plan; whose reviews are counted while none was started.
    clock: Unix time in seconds.
    """

    def __init__(
        self,
        store: Store,
        rollout_id: str,
        settings: ReviewSettings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.store = store
        self.settings = settings
        self._rollout_id = rollout_id
        self._clock = clock

    def next(self, by: str) -> Task | None:
        """The next sample to look at, this reviewer's alone for ten minutes; None: none is left.

        Who asks again before it is done gets the same one. Of the rollout under way first; then
        whatever was reviewed least, answers of an arm or pairs; within these by chance.
        """
        for sample in self._queue(by):
            now_s = self._clock()
            after = tasks.claimed(sample, by, now_s)
            if self.store.review_sample(ReviewStep(sample.id, sample.review, after, now_s)):
                texts = tasks.texts_of(_document(sample), sample.id)
                return Task(sample.id, sample.kind, texts, sample.at_s, after["until_s"])
        return None

    def waiting(self, by: str) -> int:
        """How many samples this reviewer could look at now."""
        now_s = self._clock()
        return sum(tasks.open_to(sample, by, now_s) for sample in self._samples())

    def review(self, sample_id: str, text: str, *, by: str, kind: str | None = None) -> Review:
        """text: as it should be, which may be what was recognised. The last one counts."""
        truth, named = checked_text(text), self._kind(kind)

        def said(sample: Sample, now_s: float) -> Review:
            document = _document(sample)
            if isinstance(document, Line):
                return tasks.reviewed_line(document, truth, named, by, now_s)
            return tasks.reviewed_pair(document, truth, named, by, now_s)

        return self._step(sample_id, by, said)

    def confirm(
        self, sample_id: str, *, by: str, which: int = 0, kind: str | None = None
    ) -> Review:
        """The text is right as it was recognised. which: of a pair's two, as `Task.texts` has them."""
        sample = self._sample(sample_id)
        texts = tasks.texts_of(_document(sample), sample.id)
        if not 0 <= which < len(texts):
            raise RefusedError(f"text {which} of {len(texts)} is not there; accepted: from 0")
        return self.review(sample_id, texts[which], by=by, kind=kind)

    def skip(self, sample_id: str, *, by: str) -> Review:
        """The reviewer cannot tell; somebody else may."""

        def said(sample: Sample, _now_s: float) -> Review:
            if sample.review is not None and sample.review.get("status") == "done":
                raise RefusedError(f"sample {sample.id} is reviewed already; correct it instead")
            return tasks.skipped(sample, by)

        return self._step(sample_id, by, said)

    def image(self, sample_id: str) -> bytes | None:
        """A PNG or JPEG; None where none was kept."""
        return self.store.sample_image(sample_id) if sample_id.isascii() else None

    def disagreements(
        self, limit: int | None = 20, *, where: str | None = None
    ) -> list[tuple[Sample, DisagreementSample]]:
        """The worst first: those with the largest share of characters that differ.

        limit: None: all of them. where: of one rollout alone, as `Origin` has it.
        """
        found = [(sample, disagreement_of(sample)) for sample in self._samples("pair")]
        found = [pair for pair in found if where in {None, pair[1].origin.where}]
        found.sort(key=lambda pair: (-pair[1].distance, -pair[1].edits, pair[0].id))
        return found[:limit]

    def reviewed(self) -> Iterator[tuple[Sample, Line | DisagreementSample]]:
        """Everything that somebody has reviewed, the newest first."""
        for sample in self._samples():
            if sample.review is not None and sample.review.get("status") == "done":
                yield sample, _document(sample)

    def delete(
        self, *, before_s: float = math.inf, user: str | None = None, every: bool = False
    ) -> int:
        """How many samples and feedbacks went, images and reviews with them.

        before_s: those of an earlier time. user: those of a user's hash. every: all of them;
        without any of the three nothing goes.
        """
        if not (every or user is not None or before_s < math.inf):
            raise RefusedError("say what to delete: before a time, of a user, or all")
        ids = [
            sample.id
            for kind in KINDS
            for sample in self.store.samples(-math.inf, before_s, _ALL, kind=kind)
            if user is None or user_of(sample) == user
        ]
        return self.store.delete_samples(ids)

    def _samples(self, *kinds: SampleKind) -> list[Sample]:
        return [
            sample
            for kind in kinds or ("line", "pair")
            for sample in self.store.samples(-math.inf, math.inf, self.settings.keep, kind=kind)
        ]

    def _queue(self, by: str) -> list[Sample]:
        now_s = self._clock()
        where = reviews_of(read_state(self.store), self._rollout_id)
        counted = read_reviews(self.store, where)
        done = {
            "stable": counted.stable_total.lines,
            "candidate": counted.candidate_total.lines,
            "disputes": counted.disputes_total.pairs,
        }

        def order(sample: Sample) -> tuple[Any, ...]:
            document = _document(sample)
            role = document.role if isinstance(document, Line) else "disputes"
            mine = tasks.holder(sample, now_s) == by
            return not mine, document.origin.where != where, done[role], tasks.shuffled(sample.id)

        return sorted((s for s in self._samples() if tasks.open_to(s, by, now_s)), key=order)

    def _step(self, sample_id: str, by: str, said: Callable[[Sample, float], Review]) -> Review:
        """Written where nobody else did anything meanwhile; counted in the same step."""
        for _ in range(RACES):
            sample, now_s = self._sample(sample_id), self._clock()
            other = tasks.holder(sample, now_s)
            if other not in {None, by}:
                raise RefusedError(f"sample {sample_id} is being looked at by {other}")
            after = said(sample, now_s)
            counts = tasks.deltas(_document(sample).origin.where, sample.review, after, now_s)
            if self.store.review_sample(ReviewStep(sample_id, sample.review, after, now_s, counts)):
                return after
        raise RefusedError(f"sample {sample_id} keeps being changed by others; try again")

    def _sample(self, sample_id: str) -> Sample:
        sample = self.store.sample(sample_id) if sample_id.isascii() else None  # as all ids are
        if sample is None or sample.kind not in {"line", "pair"}:
            raise RefusedError(f"there is no sample {sample_id!r:.80}; it may have been deleted")
        return sample

    def _kind(self, kind: str | None) -> str:
        if kind is None:
            return UNSAID
        if kind not in self.settings.kinds:
            accepted = ", ".join(self.settings.kinds)
            raise RefusedError(f"kind {kind!r:.40} is not one of {accepted}")
        return kind


def _document(sample: Sample) -> Line | DisagreementSample:
    return line_of(sample) if sample.kind == "line" else disagreement_of(sample)


def checked_text(text: str) -> str:
    """One line. Raises RefusedError."""
    if len(text) > LONGEST_TEXT or any(unicodedata.category(c) in {"Cc", "Cs"} for c in text):
        raise RefusedError(
            f"a text is one line of at most {LONGEST_TEXT} characters, without control characters"
        )
    return text
