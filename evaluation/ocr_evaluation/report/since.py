"""What changed since the last gate: this phase beside the one before it, and what was done."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ocr_client.operations.figures import Agreement, ArmFigures, agreement, arm_figures
from ocr_rollout.core.counts import Counts, Pairs
from ocr_rollout.core.state import AuditEntry, RolloutState
from ocr_rollout.core.windows import Series
from ocr_rollout.stores import CountStore, Sample
from ocr_rollout.stores.series import EpochCounts, read_epoch


@dataclasses.dataclass(frozen=True)
class Before:
    """The phase before this one. arms: stable, candidate, shadow."""

    phase: int
    weight_bp: int
    arms: tuple[ArmFigures, ...]
    shadow: Agreement

    def to_dict(self) -> dict[str, Any]:
        return {
            "phase": self.phase + 1,
            "weight_bp": self.weight_bp,
            "arms": {figures.role: figures.to_dict() for figures in self.arms},
            "shadow": self.shadow.to_dict(),
        }


@dataclasses.dataclass(frozen=True)
class Since:
    """gate: the step that ended the phase before, or the start. steps: after it, the oldest first.

    gate: None where the log does not tell any more. before: None in the first phase.
    reviewed: of lines and disputes, how many were checked since then.
    """

    gate: AuditEntry | None
    steps: tuple[AuditEntry, ...]
    before: Before | None
    reviewed: int

    def to_dict(self) -> dict[str, Any]:
        return {
            "gate": None if self.gate is None else self.gate.to_dict(),
            "steps": [entry.to_dict() for entry in self.steps],
            "before": None if self.before is None else self.before.to_dict(),
            "reviewed": self.reviewed,
        }


def since(
    store: CountStore,
    state: RolloutState,
    steps: Sequence[AuditEntry],
    reviewed: Iterable[Sample],
    at_s: float,
) -> Since:
    """steps: of this rollout, the oldest first. Raises StorageError or RecordError."""
    place = _gate(steps)
    gate = None if place is None else steps[place]
    begun_s = state.entered_at_s if gate is None else gate.at_s
    return Since(
        gate,
        () if place is None else tuple(steps[place + 1 :]),
        _before(store, state, steps, at_s),
        sum(_reviewed_at_s(sample.review) >= begun_s for sample in reviewed),
    )


def _gate(steps: Sequence[AuditEntry]) -> int | None:
    """The last step that went into a phase."""
    into = {"start", "restart", "advance"}
    return next((k for k in reversed(range(len(steps))) if steps[k].action in into), None)


def _before(
    store: CountStore, state: RolloutState, steps: Sequence[AuditEntry], at_s: float
) -> Before | None:
    """All epochs of the phase before this one, as one."""
    phase = state.phase - 1
    there = [entry for entry in steps if entry.to_phase == phase and entry.to_weight_bp]
    if phase < 0 or not there:
        return None
    counted = [read_epoch(store, entry.generation, at_s) for entry in there]
    stable, candidate = state.stable, state.candidate

    def total(series: Iterable[Series[Counts]]) -> Series[Counts]:
        return Series(sum((one.total for one in series), Counts()))

    return Before(
        phase,
        there[-1].to_weight_bp,
        (
            arm_figures("stable", stable, total(one.stable for one in counted), at_s),
            arm_figures("candidate", candidate, total(one.candidate for one in counted), at_s),
            arm_figures("shadow", candidate, total(one.shadow for one in counted), at_s),
        ),
        agreement(_pairs(counted)),
    )


def _pairs(counted: Iterable[EpochCounts]) -> Pairs:
    return sum((one.pairs.total for one in counted), Pairs())


def _reviewed_at_s(review: Mapping[str, Any] | None) -> float:
    return float((review or {}).get("at_s", 0.0))
