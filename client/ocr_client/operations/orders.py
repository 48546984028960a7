"""What people order, and what each order is about: it is tried again only while that stands.

Each raises RefusedError, StorageError or StateError, and then the rollout is as it was, unless the
error says otherwise. `seen`, where it is given, is the generation that who orders has looked at: on
any other StaleError is raised.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from ocr_rollout.core import commands
from ocr_rollout.core.commands import Answer
from ocr_rollout.core.state import RolloutState
from ocr_rollout.core.transition import Refusal, Transition

from . import server_check
from .commit import Command, carry_out
from .refused import RefusedError, StaleError
from .setting import HOW_TO_SHARE, Setting
from .weights import spelled_out
from .words import standing

Tell = Callable[[str], None]


def start(
    there: Setting, *, digest: str, by: str, note: str, check: bool, tell: Tell
) -> Transition:
    """digest: of the candidate's weights. check: that both arms are ready at the server.

    tell: is given what is doubtful but hinders nothing, in one line.
    """
    plan = there.plan
    if there.config.rollout is None:
        raise RefusedError(
            f"{there.name}: a ratio alone needs no start, the clients follow it; for a rollout "
            f"in phases {HOW_TO_SHARE}"
        )

    def command(state: RolloutState, at_s: float) -> Answer:
        return commands.start(plan, state, digest=digest, by=by, note=note, at_s=at_s)

    _both_ready(there, command, check=check, tell=tell)
    done = carry_out(there, command, _as_seen)
    if not there.config.weight_enabled:
        tell(f"{there.name} has crnn_enabled: false; clients with it send the candidate nothing")
    return done


def approve(
    there: Setting, *, by: str, note: str, check: bool, tell: Tell, seen: int | None = None
) -> Transition:
    plan = there.plan

    def command(state: RolloutState, at_s: float) -> Answer:
        _refuse_stale(seen, state)
        return commands.approve(plan, state, by=by, note=note, at_s=at_s)

    _both_ready(there, command, check=check, tell=tell)
    return carry_out(there, command, _as_seen)


def set_weight(
    there: Setting,
    *,
    weight_bp: int,
    by: str,
    note: str,
    check: bool,
    tell: Tell,
    seen: int | None = None,
) -> Transition:
    plan = there.plan

    def command(state: RolloutState, at_s: float) -> Answer:
        _refuse_stale(seen, state)
        return commands.set_weight(plan, state, weight_bp=weight_bp, by=by, note=note, at_s=at_s)

    def about(state: RolloutState) -> object:
        return _rollout(state), state.phase, state.weight_bp

    _both_ready(there, command, check=check, tell=tell)
    return carry_out(there, command, about)


def pause(there: Setting, *, by: str, reason: str, seen: int | None = None) -> Transition:
    def command(state: RolloutState, at_s: float) -> Answer:
        _refuse_stale(seen, state)
        return commands.pause(state, by=by, reason=reason, at_s=at_s)

    return carry_out(there, command, _rollout)


def resume(there: Setting, *, by: str, reason: str, seen: int | None = None) -> Transition:
    def command(state: RolloutState, at_s: float) -> Answer:
        _refuse_stale(seen, state)
        return commands.resume(state, by=by, reason=reason, at_s=at_s)

    return carry_out(there, command, lambda state: (_rollout(state), state.status, state.cause))


def rollback(there: Setting, *, by: str, reason: str, seen: int | None = None) -> Transition:
    def command(state: RolloutState, at_s: float) -> Answer:
        _refuse_stale(seen, state)
        return commands.rollback(state, by=by, reason=reason, at_s=at_s)

    return carry_out(there, command, _rollout)


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


def _refuse_stale(seen: int | None, state: RolloutState) -> None:
    """Raises StaleError where the state is of another generation than the one that was seen."""
    if seen not in {None, state.generation}:
        raise StaleError(
            f"nothing was done: since you looked it went to {standing(state)} "
            f"({state.reason}); look again"
        )


def _as_seen(state: RolloutState) -> object:
    """All that who decided has looked at."""
    return _rollout(state), state.status, state.phase, state.weight_bp, state.epoch


def _both_ready(there: Setting, command: Command, *, check: bool, tell: Tell) -> None:
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
            tell(warning)
