"""What people order, and what each order is about: it is tried again only while that stands."""

from __future__ import annotations

import time

from ocr_rollout.core import commands
from ocr_rollout.core.commands import Answer
from ocr_rollout.core.state import RolloutState
from ocr_rollout.core.transition import Refusal, Transition

from . import server_check
from .commit import Command, carry_out
from .options import RefusedError, complain
from .setting import HOW_TO_SHARE, Setting
from .weights import spelled_out


def start(there: Setting, *, digest: str, by: str, note: str, check: bool) -> Transition:
    """digest: of the candidate's weights. check: that both arms are ready at the server."""
    plan = there.plan
    if there.config.rollout is None:
        raise RefusedError(
            f"{there.name}: a ratio alone needs no start, the clients follow it; for a rollout "
            f"in phases {HOW_TO_SHARE}"
        )

    def command(state: RolloutState, at_s: float) -> Answer:
        return commands.start(plan, state, digest=digest, by=by, note=note, at_s=at_s)

    _both_ready(there, command, check=check)
    done = carry_out(there, command, _as_seen)
    if not there.config.weight_enabled:
        complain(
            f"{there.name} has crnn_enabled: false; clients with it send the candidate nothing"
        )
    return done


def approve(there: Setting, *, by: str, note: str, check: bool) -> Transition:
    plan = there.plan

    def command(state: RolloutState, at_s: float) -> Answer:
        return commands.approve(plan, state, by=by, note=note, at_s=at_s)

    _both_ready(there, command, check=check)
    return carry_out(there, command, _as_seen)


def set_weight(there: Setting, *, weight_bp: int, by: str, note: str, check: bool) -> Transition:
    plan = there.plan

    def command(state: RolloutState, at_s: float) -> Answer:
        return commands.set_weight(plan, state, weight_bp=weight_bp, by=by, note=note, at_s=at_s)

    def about(state: RolloutState) -> object:
        return _rollout(state), state.phase, state.weight_bp

    _both_ready(there, command, check=check)
    return carry_out(there, command, about)


def pause(there: Setting, *, by: str, reason: str) -> Transition:
    return carry_out(
        there, lambda state, at_s: commands.pause(state, by=by, reason=reason, at_s=at_s), _rollout
    )


def resume(there: Setting, *, by: str, reason: str) -> Transition:
    return carry_out(
        there,
        lambda state, at_s: commands.resume(state, by=by, reason=reason, at_s=at_s),
        lambda state: (_rollout(state), state.status, state.cause),
    )


def rollback(there: Setting, *, by: str, reason: str) -> Transition:
    return carry_out(
        there,
        lambda state, at_s: commands.rollback(state, by=by, reason=reason, at_s=at_s),
        _rollout,
    )


def clear(there: Setting, *, digest: str, by: str, note: str) -> Transition:
    """digest: of a tombstone, or how it begins."""

    def command(state: RolloutState, at_s: float) -> Answer:
        whole = spelled_out(digest, state.tombstones)
        stone = state.tombstone_of(whole)
        # The state after it no longer says which one, so the audit log has to.
        which = f"{stone.arm} {whole[:12]} may be tried again" if stone is not None else ""
        why = f"{which}: {note}" if note else which
        return commands.clear(state, digest=whole, by=by, note=why, at_s=at_s)

    return carry_out(
        there, command, lambda state: state.tombstone_of(spelled_out(digest, state.tombstones))
    )


def _rollout(state: RolloutState) -> object:
    """Which one, and that it is under way still."""
    return state.rollout_id, state.candidate, state.digest, state.live


def _as_seen(state: RolloutState) -> object:
    """All that who decided has looked at."""
    return _rollout(state), state.status, state.phase, state.weight_bp, state.epoch


def _both_ready(there: Setting, command: Command, *, check: bool) -> None:
    """Raises RefusedError on a command that will be refused, or that raises a share too early.

    That takes seconds where the server is slow, so what would be refused anyhow does not wait.
    """
    state = there.state()
    answer = command(state, time.time())
    if isinstance(answer, Refusal):
        raise RefusedError(answer.reason)
    if check and answer.state.weight_bp > state.weight_bp:
        warning = server_check.warning(there.config, there.plan.stable, there.plan.candidate)
        if warning is not None:
            complain(warning)
