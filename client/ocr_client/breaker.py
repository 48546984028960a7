"""The circuit breaker of one arm on one endpoint: a pure state machine.

| phase | what passes | ends |
|---|---|---|
| closed | everything | open after `failures` transport faults in a row |
| open | nothing, but for a last resort | half-open when its time is over |
| half-open | one probe | closed when the probe is answered, open for longer when it fails |

(Nygard, "Release It!", 2007; the generations are those of sony/gobreaker.)

A transport fault is a connection that is refused, does not open, breaks or is no HTTP, a proxy's
word that nothing answers behind it (HTTP 502, 504), and no answer before the deadline: a model
that hangs holds its callers for seconds each, and a refusal is at once. Every other answer closes
the breaker, an error of the model included: the endpoint lives, and the judge looks after models.

Time comes in as a monotonic clock's seconds, chance as a number. What begins an attempt (`admit`)
and what ends one (`answered`, `failed`, `dropped`) return the next state; nothing here locks.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

Phase = Literal["closed", "open", "half_open"]

BACK_OFF = 2.0  # each failed probe doubles the time to the next
LAPSE_S = 600.0  # longer than any deadline: a probe whose caller was killed does not end
JITTER = 0.25  # a wait is up to so much shorter, or all processes would probe at one moment


@dataclasses.dataclass(frozen=True)
class BreakerSettings:
    """failures: transport faults in a row that open it, 1 or more.

    open_s: until the first probe, seconds. max_open_s: bound of the growing time between probes;
        open_s where that is longer.
    """

    failures: int = 5
    open_s: float = 5.0
    max_open_s: float = 10.0

    def wait_s(self, openings: int, jitter: float) -> float:
        """Seconds until the probe after so many openings in a row (1 or more).

        jitter: in [0, 1). min(max_open_s, open_s * 2^(openings - 1)) * (1 - 0.25 * jitter).
        """
        grown_s = self.open_s * BACK_OFF ** min(openings - 1, 32)  # 32: a float has its bounds
        return min(grown_s, max(self.open_s, self.max_open_s)) * (1 - JITTER * jitter)


@dataclasses.dataclass(frozen=True, slots=True)
class BreakerState:
    """faults: in a row, without an answer between; goes on counting while probes fail.

    openings: in a row, without an answer between. since_s: time of the first of these.
    until_s: time from which on a probe may go; while half-open, another one, for the first one's
        caller must have been killed.
    reason: the last fault, one line.
    generation: counts up whenever it opens or closes. An attempt is evidence about the generation
        it began in, and none about a later one: what was under way when it opened does not
        count again, and a late answer from before closes nothing.
    """

    phase: Phase = "closed"
    faults: int = 0
    openings: int = 0
    since_s: float = 0.0
    until_s: float = 0.0
    reason: str = ""
    generation: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Ticket:
    """An attempt that may go. probe: the one that decides a half-open breaker."""

    generation: int
    probe: bool = False


CLOSED = BreakerState()


def due(state: BreakerState, now_s: float) -> bool:
    """Whether the next attempt would be the probe."""
    return state.phase != "closed" and now_s >= state.until_s


def admit(
    state: BreakerState, now_s: float, *, last_resort: bool
) -> tuple[BreakerState, Ticket | None]:
    """The next state, and a ticket or None: refused.

    last_resort: goes even if refused; an answer to it closes the breaker, a fault changes nothing.
    """
    if state.phase == "closed":
        return state, Ticket(state.generation)
    if due(state, now_s):
        probing = dataclasses.replace(state, phase="half_open", until_s=now_s + LAPSE_S)
        return probing, Ticket(state.generation, probe=True)
    return state, Ticket(state.generation) if last_resort else None


def answered(state: BreakerState, ticket: Ticket) -> BreakerState:
    """An answer came: the arm is there."""
    if ticket.generation != state.generation or not (state.faults or state.openings):
        return state
    if state.phase == "closed":
        return BreakerState(generation=state.generation)
    return BreakerState(generation=state.generation + 1)


def failed(
    state: BreakerState,
    ticket: Ticket,
    settings: BreakerSettings,
    *,
    now_s: float,
    jitter: float,
    reason: str,
) -> BreakerState:
    """A transport fault. jitter: in [0, 1). reason: one line."""
    if ticket.generation != state.generation:
        return state
    if state.phase != "closed" and not ticket.probe:
        return state  # a last resort: however many there are, they do not stretch the wait
    faults = state.faults + 1
    if state.phase == "closed" and faults < settings.failures:
        return dataclasses.replace(state, faults=faults, reason=reason)
    return BreakerState(
        phase="open",
        faults=faults,
        openings=state.openings + 1,
        since_s=state.since_s if state.openings else now_s,
        until_s=now_s + settings.wait_s(state.openings + 1, jitter),
        reason=reason,
        generation=state.generation + 1,
    )


def dropped(state: BreakerState, ticket: Ticket, *, now_s: float) -> BreakerState:
    """The caller gave up, so nothing was learnt; after a probe the next attempt is the probe."""
    if ticket.probe and ticket.generation == state.generation and state.phase == "half_open":
        return dataclasses.replace(state, phase="open", until_s=now_s)
    return state
