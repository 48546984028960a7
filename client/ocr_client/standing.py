"""Where the rollout stands as one client sees it, for people: to read, and to be told."""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

from ocr_rollout.core.routing import BUCKETS
from ocr_rollout.runtime import View

log = logging.getLogger("ocr_client")


@dataclasses.dataclass(frozen=True)
class Standing:
    """The rollout that this client follows.

    status: of the shared state; `idle` also where that is another rollout's.
    phase: 1 for the first of `phases`; None where nothing is under way. weight: the candidate's
    share here, 0..1. generation: counts decisions. reason: of the last one.
    enabled: False where this client's configuration has switched the candidate off.
    """

    rollout: str
    stable: str
    candidate: str
    enabled: bool
    status: str
    phase: int | None
    phases: int
    weight: float
    generation: int
    reason: str

    @classmethod
    def of(cls, view: View) -> Standing:
        state = view.state
        return cls(
            rollout=view.rollout_id,
            stable=str(view.plan.stable),
            candidate=str(view.plan.candidate),
            enabled=view.enabled,
            status=state.status if view.follows else "idle",
            phase=state.phase + 1 if view.follows and state.live else None,
            phases=len(view.plan.phases),
            weight=view.table.weight_bp / BUCKETS,
            generation=view.generation,
            reason=state.reason if view.follows else "",
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values, ready for `json.dumps`."""
        return dataclasses.asdict(self)


class Teller:
    """Writes one line to the log when the rollout moves; called by one thread at a time."""

    def __init__(self) -> None:
        self._told = ""

    def __call__(self, view: View) -> None:
        standing = Standing.of(view)
        if standing.status == "idle":
            return
        line = f"rollout {standing.rollout}: {standing.candidate} {said(standing)}"
        if line == self._told:
            return
        first, self._told = not self._told, line
        alarming = standing.status in {"rolled_back", "frozen"}
        if alarming:
            log.warning("%s: %s", line, standing.reason)
        elif not (first and view.state.reason.startswith("gray_scale_ratio")):  # as configured
            log.info("%s: %s", line, standing.reason)


def said(standing: Standing) -> str:
    """Status, phase and share in a few words."""
    phase = f" in phase {standing.phase} of {standing.phases}" if standing.phase else ""
    return f"is {standing.status.replace('_', ' ')}{phase}, share {standing.weight:.4g}"
