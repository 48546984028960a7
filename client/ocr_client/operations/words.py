"""How the verbs call things: states, shares, times."""

from __future__ import annotations

import datetime as dt

from ocr_rollout.core.state import AuditEntry, RolloutState


def percent(weight_bp: int) -> str:
    """Basis points -> `12.5 %`."""
    return f"{weight_bp / 100:g} %"


def share(of: int, all_of: int) -> str:
    """`-` where there is nothing to be a share of."""
    return f"{of / all_of:.2%}" if all_of else "-"


def standing(state: RolloutState) -> str:
    """`running, phase 2, 30 %`."""
    return f"{_place(state.status, state.phase)}, {percent(state.weight_bp)}"


def moved(entry: AuditEntry) -> str:
    """`waiting, phase 1, 10 % -> running, phase 2, 30 %`; one side only where both are alike."""
    before = _place(entry.from_status, entry.from_phase), percent(entry.from_weight_bp)
    after = _place(entry.to_status, entry.to_phase), percent(entry.to_weight_bp)
    if before == after:
        return ", ".join(after)
    if before[1] == after[1]:
        return f"{before[0]} -> {after[0]}, {after[1]}"
    return f"{', '.join(before)} -> {', '.join(after)}"


def _place(status: str, phase: int) -> str:
    said = status.replace("_", " ")
    return said if status in {"idle", "rolled_back", "completed"} else f"{said}, phase {phase + 1}"


def moment(at_s: float) -> str:
    """Unix time -> local time to the second."""
    return dt.datetime.fromtimestamp(at_s).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def zone() -> str:
    return dt.datetime.now().astimezone().strftime("%Z")
