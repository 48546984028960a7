"""All that `status` knows at one moment: the store's side and the server's."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ocr_client.reviews.accuracy import Accuracy, accuracy
from ocr_rollout.core.controller import Step, look
from ocr_rollout.core.evidence import Evidence
from ocr_rollout.core.plan import Plan
from ocr_rollout.core.routing import BUCKETS
from ocr_rollout.core.state import RolloutState
from ocr_rollout.core.transition import same_rollout
from ocr_rollout.runtime.evidence import EvidenceReader
from ocr_rollout.stores import Store
from ocr_rollout.stores.review_series import reviews_of

from .figures import Agreement, ArmFigures, agreement, arm_figures
from .server_facts import ServerFacts
from .setting import Setting


@dataclasses.dataclass(frozen=True)
class Facts:
    """at_s: Unix time. name, store: of the configuration and the store, for people.

    arms: stable, candidate, shadow, counted since the epoch began. reviews: of the whole rollout.
    watched_s: of the phase. evidence: what all of it was counted from, and the judge looked at.
    step: what the judge says, and what the rules would do now. last: the newest line of the audit
    log. follows: the state is of the configured plan. enabled: the configuration lets the candidate
    have traffic at all.
    """

    at_s: float
    name: str
    store: str
    plan: Plan
    state: RolloutState
    follows: bool
    enabled: bool
    arms: tuple[ArmFigures, ...]
    shadow: Agreement
    reviews: Accuracy
    watched_s: float
    evidence: Evidence
    step: Step
    last: Mapping[str, Any] | None
    server: ServerFacts

    @property
    def in_phase_s(self) -> float | None:
        """By the clock, for people; None while nothing is under way."""
        return max(0.0, self.at_s - self.state.entered_at_s) if self.state.live else None

    @property
    def phase(self) -> int | None:
        """0-based; None where the plan has none to show."""
        known = self.state.live and self.follows and self.state.phase < len(self.plan.phases)
        return self.state.phase if known else None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, complete but for the evidence."""
        state, phase, due = self.state, self.phase, self.step.transition
        return {
            "at_s": self.at_s,
            "config": self.name,
            "store": self.store,
            "rollout": state.rollout_id or self.plan.rollout_id,
            "status": state.status,
            "phase": None if phase is None else phase + 1,
            "phases": len(self.plan.phases),
            "aim": None if phase is None else self.plan.phases[phase].aim,
            "gate": None if phase is None else self.plan.phases[phase].gate,
            "share": state.weight_bp / BUCKETS,
            "weight_bp": state.weight_bp,
            "by_hand": state.by_hand,
            "in_phase_s": self.in_phase_s,
            "watched_s": self.watched_s,
            "min_dwell_s": None if phase is None else self.plan.phases[phase].min_dwell_s,
            "generation": state.generation,
            "epoch": state.epoch,
            "follows_plan": self.follows,
            "enabled": self.enabled,
            "arms": {figures.role: figures.to_dict() for figures in self.arms},
            "shadow": self.shadow.to_dict(),
            "review": self.reviews.to_dict(),
            "verdicts": [verdict.to_dict() for verdict in self.step.judgement.verdicts],
            "trip": _verdict(self.step.judgement.trip),
            "common_cause": _verdict(self.step.judgement.common_cause),
            "missing": list(self.step.missing),
            "due": None if due is None else {"action": due.audit.action, "why": due.audit.why},
            "tombstones": [dataclasses.asdict(stone) for stone in state.tombstones],
            "last": None if self.last is None else dict(self.last),
            "server": self.server.to_dict(),
            "state": state.to_dict(),
            "plan": self.plan.to_dict(),
        }


class Gatherer:
    """Gathers again and again: time buckets that are over are read once a minute. For one thread."""

    def __init__(self) -> None:
        self._store: Store | None = None
        self._reader: EvidenceReader | None = None

    def gather(self, there: Setting, server: ServerFacts, at_s: float) -> Facts:
        """Reads the store once. Raises StorageError, StateError or RecordError."""
        state, plan, store = there.state(), there.plan, there.to_read()
        evidence = self._reading(store, state, plan.rollout_id).read(at_s)
        newest = store.history(after=-1, limit=1)
        candidate = state.candidate or str(plan.candidate)
        return Facts(
            at_s=at_s,
            name=there.name,
            store=there.store.url,
            plan=plan,
            state=state,
            follows=same_rollout(state, plan.rollout_id, plan.stable, plan.candidate),
            enabled=there.config.weight_enabled,
            arms=(
                arm_figures("stable", state.stable or str(plan.stable), evidence.stable, at_s),
                arm_figures("candidate", candidate, evidence.candidate, at_s),
                arm_figures("shadow", candidate, evidence.shadow, at_s),
            ),
            shadow=agreement(evidence.pairs.total),
            reviews=accuracy(evidence.reviews, evidence.pairs.total),
            watched_s=state.dwell_s + evidence.watched_s,
            evidence=evidence,
            step=look(plan, state, evidence, at_s),
            last=newest[-1].entry.document if newest else None,
            server=server,
        )

    def _reading(self, store: Store, state: RolloutState, rollout_id: str) -> EvidenceReader:
        reader, reviews = self._reader, reviews_of(state, rollout_id)
        if (
            reader is None
            or store is not self._store
            or (reader.epoch, reader.reviews) != (state.epoch, reviews)
        ):
            reader = EvidenceReader(store, state.epoch, reviews)
            self._store, self._reader = store, reader
        return reader


def gather(there: Setting, server: ServerFacts, at_s: float) -> Facts:
    """One reading. Raises as `Gatherer.gather` does."""
    return Gatherer().gather(there, server, at_s)


def _verdict(verdict: Any) -> dict[str, Any] | None:
    return None if verdict is None else dict(verdict.to_dict())
