"""Which Triton is asked for an arm: the endpoints, their load, and a breaker for each arm on each.

`take` leads an attempt to an endpoint and `give_back` says how it ended. Between the two, which is
where the network is, no lock is held; within them it is held for a few microseconds.
"""

from __future__ import annotations

import dataclasses
import random
import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import Literal

from ocr_rollout.core.routing import Arm

from .breaker import (
    CLOSED,
    BreakerSettings,
    BreakerState,
    Phase,
    Ticket,
    admit,
    answered,
    dropped,
    due,
    failed,
)
from .errors import ArmBrokenError

SET_ASIDE_S = 5.0  # how long an endpoint that lacks an arm is asked for it only if all do
MOST_ARMS = 64  # remembered for each endpoint: callers may force arms that nobody has

# answered: an answer of any kind. fault: a transport fault. absent: the answer that this endpoint
# lacks the arm, or is loading or unloading it. dropped: the caller gave up, nothing was learnt.
Ending = Literal["answered", "fault", "absent", "dropped"]


@dataclasses.dataclass(frozen=True)
class ArmState:
    """One arm on one endpoint, as this process knows it. Times in seconds from now.

    faults: transport faults in a row.
    open_for_s: since the breaker opened; None while it is closed.
    probe_in_s: until it lets a probe through, 0: with the next request; None unless it is open.
    set_aside_for_s: how much longer other endpoints are preferred, because this one lacks the arm.
    last_fault, last_fault_ago_s: one line, whatever has gone well since; None: there was none.
    """

    arm: Arm
    breaker: Phase
    faults: int
    open_for_s: float | None
    probe_in_s: float | None
    set_aside_for_s: float | None
    last_fault: str | None
    last_fault_ago_s: float | None


@dataclasses.dataclass(frozen=True)
class EndpointState:
    """in_flight: requests of this process, of every arm. arms: those that were asked for here."""

    url: str
    in_flight: int
    arms: tuple[ArmState, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """What is known of an arm on an endpoint. The times are the clock's."""

    breaker: BreakerState = CLOSED
    set_aside_until_s: float | None = None
    last_fault: str | None = None
    last_fault_s: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Lease:
    """An attempt under way. alternative: another endpoint is well, as far as is known."""

    place: int
    url: str
    arm: Arm
    ticket: Ticket
    alternative: bool


NEW = Standing()


def rank(standing: Standing, now_s: float, *, last_resort: bool) -> int | None:
    """The lower, the sooner it is asked; None: not at all.

    0: its probe is due. Some request has to be it, and the others can still answer that one.
    1: it is well. 2: it lacked the arm a moment ago. 3: its breaker is open.
    """
    closed = standing.breaker.phase == "closed"
    if not closed and not due(standing.breaker, now_s):
        return 3 if last_resort else None
    if standing.set_aside_until_s is not None and now_s < standing.set_aside_until_s:
        return 2
    return 1 if closed else 0


class _Place:
    """One endpoint; only touched under the lock of `Endpoints`."""

    __slots__ = ("arms", "in_flight", "url")

    def __init__(self, url: str) -> None:
        self.url = url
        self.in_flight = 0
        self.arms: dict[Arm, Standing] = {}

    def keep(self, arm: Arm, standing: Standing) -> None:
        if arm not in self.arms and len(self.arms) >= MOST_ARMS:
            well = (old for old, its in self.arms.items() if its.breaker.phase == "closed")
            del self.arms[next(well, next(iter(self.arms)))]
        self.arms[arm] = standing


class Endpoints:
    """Safe in threads. clock: monotonic, seconds. chance: draws from [0, 1)."""

    def __init__(
        self,
        urls: Sequence[str],
        settings: BreakerSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._places = [_Place(url) for url in urls]
        self._settings = settings
        self._clock = clock
        self._chance = chance
        self._lock = threading.Lock()

    def take(
        self, arm: Arm, *, last_resort: bool, tried: Collection[int] = frozenset()
    ) -> Lease | None:
        """The best endpoint that was not tried yet; None when all were.

        Raises ArmBrokenError when there are untried ones and none of their breakers lets it pass.
        Among equals the one with the fewest requests in flight is asked, and then any.
        """
        now_s = self._clock()
        with self._lock:
            count = len(self._places)
            well = 0
            best: tuple[int, int] | None = None
            chosen = -1
            # Where the search begins decides among equals. In turn it would not do: a program that
            # asks one arm and then the other would always meet the one here and the other there.
            begin = int(self._chance() * count)
            for step in range(begin, begin + count):
                index = step % count
                if index in tried:
                    continue
                place = self._places[index]
                order = rank(place.arms.get(arm, NEW), now_s, last_resort=last_resort)
                if order is None:
                    continue
                well += order == 1
                if best is None or (order, place.in_flight) < best:
                    best, chosen = (order, place.in_flight), index
            if best is None:
                if len(tried) >= count:
                    return None
                raise ArmBrokenError(self._refusal(arm, tried, now_s))
            place = self._places[chosen]
            standing = place.arms.get(arm, NEW)
            state, ticket = admit(standing.breaker, now_s, last_resort=last_resort)
            assert ticket is not None  # its rank says so
            if state is not standing.breaker or standing is NEW:
                place.keep(arm, dataclasses.replace(standing, breaker=state))
            place.in_flight += 1
        return Lease(chosen, place.url, arm, ticket, well > (best[0] == 1))

    def give_back(self, lease: Lease, ending: Ending, reason: str = "") -> None:
        """Once for each lease. reason: one line, of a fault or an absence."""
        now_s = self._clock()
        with self._lock:
            place = self._places[lease.place]
            place.in_flight -= 1
            standing = place.arms.get(lease.arm, NEW)
            state, ticket = standing.breaker, lease.ticket
            if ending == "dropped":
                state = dropped(state, ticket, now_s=now_s)
            elif ending == "fault":
                state = failed(
                    state,
                    ticket,
                    self._settings,
                    now_s=now_s,
                    jitter=self._chance(),
                    reason=reason,
                )
            else:
                state = answered(state, ticket)
            aside_s = standing.set_aside_until_s
            if ending in ("fault", "absent"):
                if ending == "absent":
                    aside_s = now_s + SET_ASIDE_S
                place.keep(lease.arm, Standing(state, aside_s, reason, now_s))
            elif state is not standing.breaker or (ending == "answered" and aside_s is not None):
                aside_s = None if ending == "answered" else aside_s
                place.keep(
                    lease.arm,
                    dataclasses.replace(standing, breaker=state, set_aside_until_s=aside_s),
                )

    def states(self) -> tuple[EndpointState, ...]:
        """In the order of the addresses."""
        now_s = self._clock()
        with self._lock:
            known = [
                (place.url, place.in_flight, list(place.arms.items())) for place in self._places
            ]
        return tuple(
            EndpointState(
                url, in_flight, tuple(_told(arm, standing, now_s) for arm, standing in sorted(arms))
            )
            for url, in_flight, arms in known
        )

    def _refusal(self, arm: Arm, tried: Collection[int], now_s: float) -> str:
        lines = []
        for index, place in enumerate(self._places):
            if index in tried:
                continue
            state = place.arms.get(arm, NEW).breaker
            wait_s = max(0.0, state.until_s - now_s)
            following = (
                "a probe is under way"
                if state.phase == "half_open"
                else (f"the next try is in {wait_s:.1f} s")
            )
            lines.append(
                f"at {place.url} for {now_s - state.since_s:.1f} s, {following}, "
                f"{state.faults} faults in a row, the last: {state.reason}"
            )
        return f"{arm} was not asked, its breaker is open " + "; and ".join(lines)


def _told(arm: Arm, standing: Standing, now_s: float) -> ArmState:
    state = standing.breaker
    is_open = state.phase != "closed"
    aside_s = standing.set_aside_until_s
    return ArmState(
        arm=arm,
        breaker=state.phase,
        faults=state.faults,
        open_for_s=now_s - state.since_s if is_open else None,
        probe_in_s=max(0.0, state.until_s - now_s) if state.phase == "open" else None,
        set_aside_for_s=aside_s - now_s if aside_s is not None and aside_s > now_s else None,
        last_fault=standing.last_fault,
        last_fault_ago_s=None if standing.last_fault is None else now_s - standing.last_fault_s,
    )
