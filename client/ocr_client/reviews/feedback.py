"""What users say of answers, without being asked: kept, counted, and never taken for a sample.

Who found a mistake says so, who found none rarely does. So feedback tells where to look, and its
share may be compared between arms, but it is no measure of accuracy and nothing is decided by it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from ocr_client.operations.refused import RefusedError, is_line
from ocr_rollout.core.reviews import UNSAID, Said, to_record
from ocr_rollout.core.routing import Arm, RoutingError
from ocr_rollout.core.state import RolloutState
from ocr_rollout.runtime.transitions import read_state
from ocr_rollout.stores import ReviewStep, Sample, Store
from ocr_rollout.stores.review_series import reviews_of

from .desk import LONGEST_TEXT, RACES, checked_text
from .people import user_hash
from .samples import SCHEMA, SampleError, line_of
from .settings import ReviewSettings
from .tasks import deltas

LONGEST_ID: Final = 200


@dataclasses.dataclass(frozen=True)
class Answered:
    """What the user says to have been answered. Nobody has checked it."""

    arm: str = ""
    text: str = ""


class FeedbackBox:
    """Raises StorageError, and RefusedError for what is not accepted. Safe in threads."""

    def __init__(
        self,
        store: Store,
        rollout_id: str,
        settings: ReviewSettings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._rollout_id = rollout_id
        self._settings = settings
        self._clock = clock

    def put(  # what a user says
        self,
        request_id: str,
        *,
        right: bool,
        text: str = "",
        user_id: str | None = None,
        answered: Answered | None = None,
    ) -> None:
        """One for each request: the last one counts. Nothing but a hash is kept of the user.

        text: as it should be, where the user says so. answered: for a request that is no sample.
        """
        said = {"status": "said", "right": bool(right), "text": checked_text(text)}
        kept_id = _id(request_id)
        for _ in range(RACES):
            now_s = self._clock()
            there = self._store.sample(kept_id) or self._begun(
                kept_id, request_id, user_id, answered or Answered(), now_s
            )
            if there is None:
                return  # there is room only for newer ones: another host's clock is ahead
            document, before = there.document, there.review
            record = to_record(document["role"], Said(int(right), int(not right)))
            counted = {"role": "feedback", "record": record}
            after = {**said, "at_s": now_s, "counted": counted}
            counts = deltas(document["where"], before, after, now_s)
            if self._store.review_sample(ReviewStep(kept_id, before, after, now_s, counts)):
                return
        raise RefusedError("others keep saying something of this request; try again")

    def newest(self, limit: int = 100) -> Sequence[Sample]:
        """document: whose answer it was; review: what was said of it."""
        now_s = self._clock()
        return self._store.samples(0, now_s + 86_400, limit, kind="feedback")

    def _begun(
        self, kept_id: str, request_id: str, user_id: str | None, answered: Answered, now_s: float
    ) -> Sample | None:
        """Kept, or what somebody else kept meanwhile. A sample of the request knows best."""
        state = read_state(self._store)
        user = None if user_id is None else user_hash(user_id)
        document: dict[str, Any] = {
            "schema": SCHEMA,
            "request_id": request_id,
            "where": reviews_of(state, self._rollout_id),
            "role": _role(answered.arm, state),
            "arm": answered.arm,
            "text": answered.text[:LONGEST_TEXT],
            "sampled": False,
            "user": user,
        }
        drawn = self._store.sample(request_id)
        if drawn is not None and drawn.kind == "line":
            try:
                line = line_of(drawn)
            except SampleError:
                pass
            else:
                document |= {
                    "where": line.origin.where,
                    "role": line.role,
                    "arm": line.arm,
                    "text": line.text,
                    "sampled": True,
                    "user": user or line.origin.user,
                }
        expires_s = now_s + self._settings.retention_s
        sample = Sample(kept_id, now_s, expires_s, document, kind="feedback")
        self._store.put_sample(sample, keep=self._settings.keep)
        return self._store.sample(kept_id)


def _role(arm: str, state: RolloutState) -> str:
    """The arm is the user's word, so only one of the rollout's own is believed."""
    try:
        named = str(Arm.parse(arm))
    except RoutingError:
        return UNSAID
    return {state.stable: "stable", state.candidate: "candidate"}.get(named, UNSAID)


def _id(request_id: str) -> str:
    if not 1 <= len(request_id) <= LONGEST_ID or not is_line(request_id):
        raise RefusedError(f"a request id has 1 to {LONGEST_ID} characters on one line")
    digest = hashlib.sha256(request_id.encode("utf-8", "surrogatepass")).hexdigest()
    return f"feedback-{digest[:32]}"
