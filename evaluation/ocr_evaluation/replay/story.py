"""The rollout as it would have gone: the controller and the judge that are live, image by image.

Both arms have read each image, so it counts for both; otherwise all is as in production. An image
comes each second of a made clock, and somebody watches it. The times that a plan wants watched are
left out, and whoever is to approve does so at once: what is asked is what the images say.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any, Final, Literal

from ocr_rollout.core.commands import approve, start
from ocr_rollout.core.controller import Step, look
from ocr_rollout.core.counts import Counts, Pairs
from ocr_rollout.core.evidence import Evidence
from ocr_rollout.core.plan import Plan
from ocr_rollout.core.reviews import UNSAID, Disputes, Reviews
from ocr_rollout.core.routing import BUCKETS
from ocr_rollout.core.state import RolloutState
from ocr_rollout.core.transition import Transition
from ocr_rollout.core.verdict import Verdict, VerdictStatus

from .images import Image

EVERY_S: Final = 1.0
_BEGIN_S: Final = 1_700_000_000.0
_WHO: Final = "replay"

# roll_back, freeze: a rule tripped, and the plan says so. common_cause: frozen at the end, for
# stable fails too. complete: all phases were left; under_way: none of that.
Ending = Literal["roll_back", "freeze", "common_cause", "complete", "under_way"]


@dataclasses.dataclass(frozen=True)
class Stay:
    """A phase, 1-based. first: the number of its first image; None: it was not reached.

    left: the number of the image after which it had all it needs; None: it lacks what is missing.
    samples: the candidate's attempts in it that count.
    """

    phase: int
    share: float
    min_samples: int
    first: int | None = None
    left: int | None = None
    samples: int = 0
    missing: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Ruling:
    """verdict: the last one. tripped: after which image it first said FAIL; None: it never did."""

    verdict: Verdict
    tripped: int | None

    def to_json(self) -> dict[str, Any]:
        return {**self.verdict.to_dict(), "tripped_at": self.tripped}


@dataclasses.dataclass(frozen=True)
class Story:
    """ending: see `Ending`. at: the number of the image after which it came. why: of the step there.

    rulings: of the epoch that was the last one; each phase begins one, as does a thaw.
    thaws: how often a common cause was over.
    """

    ending: Ending
    at: int | None
    why: str
    stays: tuple[Stay, ...]
    rulings: tuple[Ruling, ...]
    thaws: int

    @property
    def status(self) -> VerdictStatus:
        """PASS: nothing tripped, and the images suffice for the first phase at least."""
        if self.ending in {"roll_back", "freeze"}:
            return "FAIL"
        if any(ruling.verdict.status == "ERROR" for ruling in self.rulings):
            return "ERROR"
        passed = self.ending != "common_cause" and self.stays[0].left is not None
        return "PASS" if passed else "INCONCLUSIVE"


def story(plan: Plan, images: Iterable[Image]) -> Story:
    """plan: its rollout as it is configured; stable and candidate are the arms that have read."""
    told = _Telling(plan)
    for image in images:
        told.next(image)
    return told.story()


class _Telling:
    def __init__(self, plan: Plan) -> None:
        at_once = tuple(dataclasses.replace(phase, min_dwell_s=0.0) for phase in plan.phases)
        self._plan = dataclasses.replace(plan, phases=at_once)
        answer = start(self._plan, RolloutState(), digest=_WHO, by=_WHO, at_s=_BEGIN_S)
        assert isinstance(answer, Transition)  # nothing was under way
        self._state = answer.state
        self._evidence = Evidence()
        self._disputes = Disputes()
        self._ending: tuple[Ending, int, str] | None = None
        self._step: Step | None = None
        self._tripped: dict[tuple[str, int], int] = {}
        self._stays = [
            Stay(k + 1, plan.weight_bp(k) / BUCKETS, phase.min_samples, 1 if k == 0 else None)
            for k, phase in enumerate(plan.phases)
        ]
        self._n = self._thaws = 0

    def next(self, image: Image) -> None:
        """Counts an image, looks, and does what is due. After a rollback it only looks."""
        self._n += 1
        now_s = _BEGIN_S + self._n * EVERY_S
        if not self._state.live:
            return
        self._count(image, now_s)
        self._step = look(self._plan, self._state, self._evidence, now_s)
        for key, verdict in _keyed(self._step.judgement.verdicts):
            if verdict.status == "FAIL":
                self._tripped.setdefault(key, self._n)
        if self._ending is None:
            counted = self._evidence.attempts.requests
            self._stay(self._state.phase, samples=counted, missing=self._step.missing)
            if self._step.transition is not None:
                self._take(self._step.transition, now_s)

    def story(self) -> Story:
        verdicts = () if self._step is None else _keyed(self._step.judgement.verdicts)
        rulings = tuple(Ruling(found, self._tripped.get(key)) for key, found in verdicts)
        ending: Ending = "common_cause" if self._state.status == "frozen" else "under_way"
        ending, at, why = self._ending or (ending, None, "")
        return Story(ending, at, why, tuple(self._stays), rulings, self._thaws)

    def _count(self, image: Image, now_s: float) -> None:
        self._disputes += image.dispute
        before = self._evidence
        stable = Counts.of(image.stable.outcome, image.stable.ms)
        candidate = Counts.of(image.candidate.outcome, image.candidate.ms)
        self._evidence = Evidence(
            stable=before.stable.added(now_s, stable),
            candidate=before.candidate.added(now_s, candidate),
            pairs=before.pairs.added(now_s, image.pair or Pairs()),
            watched_s=before.watched_s + EVERY_S,
            reviews=Reviews(disputes={UNSAID: self._disputes}),
        )

    def _take(self, transition: Transition, now_s: float) -> None:
        before, after = self._state, transition.state
        if after.status == "rolled_back" or after.cause == "on_failure":
            ending: Ending = "roll_back" if after.status == "rolled_back" else "freeze"
            self._ending = ending, self._n, after.reason
            return  # and go on in the same epoch: what else would have tripped, and when?
        self._thaws += transition.audit.action == "thaw"
        self._state = after
        if after.status == "waiting":
            answer = approve(self._plan, after, by=_WHO, note="", at_s=now_s)
            assert isinstance(answer, Transition)  # it waits for nothing else
            self._state = after = answer.state
        if after.phase != before.phase or after.status == "completed":
            self._stay(before.phase, left=self._n)
            if after.status == "completed":
                self._ending = "complete", self._n, after.reason
                return
            self._stay(after.phase, first=self._n + 1)
        if after.epoch != before.epoch:
            self._evidence = Evidence()

    def _stay(self, phase: int, **changes: Any) -> None:
        """phase: 0-based."""
        self._stays[phase] = dataclasses.replace(self._stays[phase], **changes)


def _keyed(verdicts: Iterable[Verdict]) -> list[tuple[tuple[str, int], Verdict]]:
    """A rule may be asked twice, with two limits."""
    seen: dict[str, int] = {}
    found: list[tuple[tuple[str, int], Verdict]] = []
    for verdict in verdicts:
        seen[verdict.rule] = seen.get(verdict.rule, 0) + 1
        found.append(((verdict.rule, seen[verdict.rule]), verdict))
    return found
