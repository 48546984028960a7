"""When a store counts as lost, and when as back: once each for every outage."""

from __future__ import annotations

import socket
from typing import Literal

from ocr_rollout.core.state import AuditEntry
from ocr_rollout.runtime import View

Found = Literal["store_lost", "store_back"]


class Outage:
    """Fed with what is seen, in order; times are a monotonic clock's, in seconds."""

    def __init__(self) -> None:
        self._since_s: float | None = None
        self._told = False

    def seen(self, *, reachable: bool, now_s: float, after_s: float) -> Found | None:
        """`store_lost` when it has been out of reach for `after_s`; `store_back` only after that."""
        if reachable:
            told, self._since_s, self._told = self._told, None, False
            return "store_back" if told else None
        if self._since_s is None:
            self._since_s = now_s
        if self._told or now_s - self._since_s < after_s:
            return None
        self._told = True
        return "store_lost"


def of_process(view: View, action: str, why: str, at_s: float) -> AuditEntry:
    """What one process has to tell, as a line that stands in no audit log."""
    state = view.state
    return AuditEntry(
        at_s=at_s,
        who=f"process on {socket.gethostname()}",
        action=action,
        why=why,
        generation=state.generation,
        rollout_id=view.rollout_id,
        candidate=str(view.plan.candidate),
        from_status=state.status,
        to_status=state.status,
        from_phase=state.phase,
        to_phase=state.phase,
        from_weight_bp=state.weight_bp,
        to_weight_bp=state.weight_bp,
    )
