"""Many processes that take part in one rollout with made traffic; for figures and for tests."""

from __future__ import annotations

import collections
import dataclasses
import multiprocessing
import os
import random
import signal
import time
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from ocr_rollout.core.plan import Plan
from ocr_rollout.core.routing import BUCKETS, choose_arm
from ocr_rollout.core.windows import CANDIDATE, STABLE
from ocr_rollout.runtime import Member, View
from ocr_rollout.stores import (
    Added,
    CountBatch,
    CountDelta,
    Span,
    Store,
    StoreUnavailableError,
    open_store,
)

STEP_S = 0.02  # between two handfuls of requests
TURNS_KEPT = 1_000
FOREVER_S = 1 << 40

# Processes are forked from one that has loaded scipy, or the machine would load it for each.
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["ocr_rollout.core.controller", "ocr_rollout.runtime"])


@dataclasses.dataclass(frozen=True)
class Seen:
    """A view that one process came to. at_s: Unix time.

    turns: Unix times of its latest turns, which are STEP_S apart where it gets a processor at once.
    """

    at_s: float
    generation: int
    status: str
    weight_bp: int
    turns: tuple[float, ...]

    def turns_since(self, start_s: float) -> int:
        """How often the process had a turn from then until this view."""
        return sum(start_s < turn_s <= self.at_s for turn_s in self.turns)


@dataclasses.dataclass
class Participant:
    """One process of the crowd. number: unique, also among the dead."""

    number: int
    process: BaseProcess
    pipe: Connection

    def seen(self) -> list[Seen]:
        """The views that it came to since the last call."""
        found: list[Seen] = []
        try:
            while self.pipe.poll():
                found.append(self.pipe.recv())
        except (EOFError, OSError):  # it was killed, maybe in the middle of a word
            pass
        return found

    def kill(self) -> None:
        """Kills it with signal 9, as the kernel does when memory runs out."""
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.join()


class Crowd:
    """Starts and ends processes on one store. Use it in a `with` statement: none outlives it.

    rate: requests a second of each. lossy: chance that a process does not hear that its counts
    were added, as when a connection breaks before the answer.
    """

    def __init__(
        self, url: str, *, rate: float = 100.0, check_interval_s: float = 1.0, lossy: float = 0.0
    ) -> None:
        self.url = url
        self._options = (rate, check_interval_s, lossy)
        self._errors: Any = _context.RawValue("d", 0.0)  # no lock that a killed one could hold
        self._number = 0
        self.alive: list[Participant] = []

    def __enter__(self) -> Crowd:  # noqa: PYI034  # Python 3.10 has no Self
        return self

    def __exit__(self, *_: object) -> None:
        for participant in self.alive:
            participant.process.kill()
            participant.process.join()

    def fail(self, share: float) -> None:
        """From now on this share of the candidate's attempts fails, in every process."""
        self._errors.value = share

    def join(self, plan: Plan) -> Participant:
        """One more process. It is at work when it has sent its first view."""
        ours, theirs = _context.Pipe(duplex=False)
        self._number += 1
        process = _context.Process(
            target=take_part,
            args=(self.url, plan, self._number, self._errors, theirs, *self._options),
            daemon=True,
        )
        process.start()
        theirs.close()
        participant = Participant(self._number, process, ours)
        self.alive.append(participant)
        return participant

    def kill(self, participant: Participant) -> None:
        self.alive.remove(participant)
        participant.kill()


class Witness:
    """A store that leaves a trace of each batch, and whose answers get lost at times."""

    def __init__(self, store: Store, number: int, lossy: float) -> None:
        self._store = store
        self._number = number
        self._lossy = lossy
        self._chance = random.Random(number)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def add(self, batch: CountBatch) -> Added:
        trace = CountDelta(
            f"trace/{self._number}", 0, {"batches": 1, "numbers": batch.sequence}, FOREVER_S
        )
        added = self._store.add(dataclasses.replace(batch, deltas=(*batch.deltas, trace)))
        if self._chance.random() < self._lossy:
            raise StoreUnavailableError("made", "the connection broke before the answer")
        return added


def traced(store: Store, number: int) -> tuple[int, int]:
    """(batches, sum of their numbers) that the store has of a process; n, n(n+1)/2 if each once."""
    rows = store.counts(Span(f"trace/{number}", 0, 1))
    counts = rows[0].counts if rows else {}
    return counts.get("batches", 0), counts.get("numbers", 0)


def take_part(
    url: str,
    plan: Plan,
    number: int,
    errors: Any,
    pipe: Connection,
    rate: float,
    check_interval_s: float,
    lossy: float,
) -> None:
    """What one process does until it is killed, or who started it is gone."""
    chance = random.Random(number)
    store: Any = Witness(open_store(url), number, lossy)
    turns: collections.deque[float] = collections.deque(maxlen=TURNS_KEPT)

    def tell(view: View) -> None:
        seen = time.time(), view.generation, view.state.status, view.table.weight_bp
        pipe.send(Seen(*seen, tuple(turns.copy())))

    member = Member(plan, store, check_interval_s=check_interval_s, on_change=tell)
    member.start()
    tell(member.view)
    parent, owed = multiprocessing.parent_process(), 0.0
    while parent is not None and parent.is_alive():
        turns.append(time.time())
        owed += rate * STEP_S
        while owed >= 1:
            owed -= 1
            request(member, chance, errors.value)
        time.sleep(STEP_S)


def request(member: Member, chance: random.Random, errors: float) -> None:
    """One made request; the candidate fails with a share of `errors`."""
    view = member.view
    arm = choose_arm(view.table, chance.randrange(BUCKETS))
    asked = arm.arm == view.table.candidate
    outcome = "server_error" if asked and chance.random() < errors else "ok"
    latency_ms = chance.lognormvariate(3.0, 0.3)
    member.record(view, CANDIDATE if asked else STABLE, outcome, latency_ms, arm.bucket)  # type: ignore[arg-type]
