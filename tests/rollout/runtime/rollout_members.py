"""Members on a made clock, a plan, and a store that can be down."""

from __future__ import annotations

import time

from ocr_rollout.core import commands
from ocr_rollout.core.limits import Limits
from ocr_rollout.core.plan import Phase, Plan
from ocr_rollout.core.routing import Arm
from ocr_rollout.core.windows import CANDIDATE, STABLE
from ocr_rollout.runtime import Member
from ocr_rollout.runtime.transitions import commit, read_state
from ocr_rollout.stores import MemoryStore, StoreUnavailableError

ARMS = Arm("convnext", 1), Arm("crnn", 1)
NOW_S = 1_790_000_040.0  # two thirds into a minute
PLAN = Plan("r1", *ARMS, phases=(Phase(3_000), Phase(6_000)))
AUTO = Plan("r1", *ARMS, phases=(Phase(3_000, 120.0, 100, "auto"), Phase(6_000, gate="auto")))
LITERAL = Plan("r1", *ARMS, phases=(Phase(3_000),), limits=Limits(mode="literal"))
OTHER = Plan("r2", ARMS[0], Arm("crnn", 2))


class Clock:
    """Unix time that stands still until it is moved."""

    def __init__(self, now_s=NOW_S):
        self.now_s = now_s

    def __call__(self):
        return self.now_s


class Troubled:
    """A store that can be down, and whose answers to what was written can get lost."""

    def __init__(self, store=None):
        self.store = store or MemoryStore()
        self.down = False
        self.mute = False
        self.offered = []

    def __getattr__(self, name):
        def call(*arguments, **named):
            if self.down:
                raise StoreUnavailableError("made", "it is down")
            if name == "add":
                self.offered.append(arguments[0])
            found = getattr(self.store, name)(*arguments, **named)
            if self.mute and name in {"add", "commit"}:
                raise StoreUnavailableError("made", "the connection broke before the answer")
            return found

        return call


def person(store, verb, *arguments, **named):
    """Does what `ocrctl rollout` would."""
    answer = verb(*arguments, read_state(store), by="ann", at_s=time.time(), **named)
    won, state = commit(store, answer)
    assert won
    return state


def started(store, plan=PLAN, digest="d1"):
    """Starts a rollout."""
    return person(store, lambda *a, **n: commands.start(plan, *a, digest=digest, **n))


def member(store, plan=PLAN, clock=None, **options):
    """One that is driven by hand: `tick`."""
    return Member(plan, store, clock=clock or Clock(), **options)


def tick(*members):
    for one in members:
        one._loop.tick()


def count(one, fine, failed=0, *, series=CANDIDATE, first=0, latency_ms=30.0):
    """Attempts with bucket keys of their own, from `first` on."""
    view = one.view
    for k in range(fine + failed):
        outcome = "ok" if k < fine else "server_error"
        one.record(view, series, outcome, latency_ms, first + k)


def healthy_stable(one, n=300):
    count(one, n, series=STABLE)


def actions(store):
    """What the audit log says was done."""
    return [recorded.entry.document["action"] for recorded in store.history(limit=10_000)]
