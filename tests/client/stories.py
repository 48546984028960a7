"""A rollout that is told: a plan, steps that cause messages, and who is subscribed."""

import contextlib
import sqlite3
import time

from ocr_rollout.core import commands
from ocr_rollout.core.plan import Phase, Plan
from ocr_rollout.core.routing import Arm
from ocr_rollout.runtime.transitions import commit, read_state
from ocr_rollout.stores import MemoryStore, SqliteStore

# So long that nobody but the test takes a step.
PLAN = Plan("r1", Arm("convnext", 1), Arm("crnn", 1), phases=(Phase(3_000, 86_400.0),))


class Story:
    """Starts and rolls back in turn: each step is one message for each subscriber."""

    def __init__(self, store, subscribers, *, clock=time.time):
        self.store, self.subscribers, self.clock = store, subscribers, clock
        self.steps = 0

    def step(self):
        """Its generation, by which the messages are in order."""
        state, at_s = read_state(self.store), self.clock()
        if state.live:
            done = commands.rollback(state, by="ann", reason=f"step {self.steps}", at_s=at_s)
        else:
            fresh = f"d{self.steps}"
            done = commands.start(PLAN, state, digest=fresh, by="ann", at_s=at_s)
        won, now = commit(self.store, done, self.subscribers)
        assert won
        self.steps += 1
        return now.generation


def audit(store, action):
    found = [recorded.entry.document for recorded in store.history(limit=10_000)]
    return [entry for entry in found if entry["action"] == action]


def waiting(store):
    """How many messages nobody has settled, without leasing any."""
    if isinstance(store, MemoryStore):
        return len(store._outbox._waiting)
    if isinstance(store, SqliteStore):
        with contextlib.closing(sqlite3.connect(store.path)) as connection:
            return connection.execute("SELECT count(*) FROM outbox").fetchone()[0]
    script = "return redis.call('HLEN', KEYS[1] .. 'outbox')"
    return store._link.call(script)
