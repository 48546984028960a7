"""Carrying out a person's command: read, decide, write where nothing that matters has changed.

A lost race is tried again only while the state still says what the command was about (`about`):
who approves phase 2 must not find phase 3 approved because a colleague was quicker.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from ocr_rollout.core.commands import Answer
from ocr_rollout.core.state import RolloutState
from ocr_rollout.core.transition import Refusal, Transition
from ocr_rollout.runtime.transitions import state_of, write_of
from ocr_rollout.stores import StoreUnavailableError

from .refused import RefusedError, StaleError
from .setting import Setting
from .words import standing

RACES: Final = 20  # the clients write only when they decide something, so one or two are usual
WRITES: Final = 3
WAIT_S: Final = 0.3  # between two tries to write

Command = Callable[[RolloutState, float], Answer]  # state and Unix time -> the step, or why not
About = Callable[[RolloutState], object]


def carry_out(
    setting: Setting, command: Command, about: About, *, clock: Callable[[], float] = time.time
) -> Transition:
    """The transition as it stands in the store. Raises RefusedError, StorageError, StateError.

    StaleError, a RefusedError, where what the command is about has changed meanwhile.
    """
    state = first = setting.state()
    for _ in range(RACES):
        answer = command(state, clock())
        if isinstance(answer, Refusal):
            changed = _changed(first, state)
            raise RefusedError(f"{answer.reason}; {changed}" if changed else answer.reason)
        won, now = _write(setting, answer)
        if won:
            return answer
        if about(now) != about(state):
            raise StaleError(f"nothing was done: {_changed(state, now)}; look again")
        state = now
    raise RefusedError("nothing was done: others keep changing the rollout; try again")


def _write(setting: Setting, answer: Transition) -> tuple[bool, RolloutState]:
    """Raises StorageError. Written again under the same id, it is never written twice."""
    write = write_of(answer, setting.config.notifications.subscribers)
    for left in reversed(range(WRITES)):
        try:
            done = setting.store.commit(write)
        except StoreUnavailableError as error:  # noqa: PERF203  # to be tried again
            if not left:
                raise StoreUnavailableError(
                    error.what,
                    f"{error.reason}; look at `ocrctl rollout history` whether it landed",
                ) from error
            time.sleep(WAIT_S)
        else:
            return done.won, state_of(done.current)
    raise AssertionError("unreachable")


def _changed(before: RolloutState, now: RolloutState) -> str:
    """Empty where nothing did."""
    if before.generation == now.generation:
        return ""
    return f"meanwhile it went from {standing(before)} to {standing(now)} ({now.reason})"
