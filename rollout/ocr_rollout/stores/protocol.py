"""What a store keeps, as records and small protocols. `memory`, `sqlite` and `redis` have them all.

Rules that hold for every store, and that one contract suite tests on all three:

- Documents are plain data: what JSON can say, keys are text. They come back equal, or are refused.
- Every write is atomic: all of it took place, or nothing.
- Every write may be repeated with the same record, because who got StoreUnavailableError cannot
  know whether it landed: audit entries, messages and samples go by their id, a batch of counts by
  its source and sequence, a transition by the id of its audit entry.
- Time is an argument (`at_s`, `now_s`: seconds since 1970 on the caller's clock). Durations that
  are waited for (`timeout_s`) run on the monotonic clock.
- What grows with traffic expires: counts, bucket keys, batch numbers, samples. The state and
  the audit log never do.
- Every method raises StorageError when the store cannot be used, and is safe to call from any
  thread and after a fork.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from ocr_rollout.stores.deltas import CountDelta, KeyedDelta
from ocr_rollout.stores.samples import ReviewStep, Sample, SampleKind, SampleStore

__all__ = ["ReviewStep", "Sample", "SampleKind", "SampleStore"]  # besides its own

Document = Mapping[str, Any]
BUCKETS = 10_000  # of a route key; as in `core.routing`


def new_id() -> str:
    """An identifier that nobody else makes: 32 hexadecimal digits."""
    return uuid.uuid4().hex


@dataclasses.dataclass(frozen=True)
class Stored:
    """The rollout's state as it stands, with the generation that it names."""

    generation: int
    document: Document


@dataclasses.dataclass(frozen=True)
class LogEntry:
    """Who did what, when, why, e.g. `core.state.AuditEntry.to_dict`.

    id: the same entry is never written twice.
    """

    document: Document
    id: str = dataclasses.field(default_factory=new_id)


@dataclasses.dataclass(frozen=True)
class Recorded:
    """An audit entry in its place. sequence: 1 for the first, without gaps."""

    sequence: int
    entry: LogEntry


@dataclasses.dataclass(frozen=True)
class Message:
    """Something to be sent to the outside, e.g. to a webhook, by one process.

    document: its key `target`, where it has one, names whom it is for.
    """

    document: Document
    id: str = dataclasses.field(default_factory=new_id)


@dataclasses.dataclass(frozen=True)
class Transition:
    """One step of the rollout: all of it is written, if the state is still the one expected.

    expected: the generation that the step was decided on; 0 when there is no state yet.
    document: the state after the step, tombstones and all, e.g. `core.state.RolloutState.to_dict`.
        Its key `generation` is expected + 1.
    audit: why. Its id is also the step's: a repeated step is not taken twice.
    messages: what is to be sent about it.
    """

    expected: int
    document: Document
    audit: LogEntry
    messages: Sequence[Message] = ()


@dataclasses.dataclass(frozen=True)
class Committed:
    """won: the transition stands in the audit log. current: the state that stands now."""

    won: bool
    current: Stored | None


@dataclasses.dataclass(frozen=True)
class CountBatch:
    """What one process counted since its last flush.

    source: the process, e.g. `new_id()` at its start. sequence: 1, 2, ... of that source; a batch
    whose sequence is not above the last one's is not added again.
    """

    source: str
    sequence: int
    at_s: float
    deltas: Sequence[CountDelta] = ()
    keyed: Sequence[KeyedDelta] = ()


@dataclasses.dataclass(frozen=True)
class Added:
    """applied: False when this batch had been added before.

    repeats: how many keyed deltas did not count, because their bucket had been counted.
    """

    applied: bool
    repeats: int = 0


@dataclasses.dataclass(frozen=True)
class Span:
    """Time buckets of one series that start at or after `since_s` and before `until_s`."""

    series: str
    since_s: float
    until_s: float


@dataclasses.dataclass(frozen=True)
class CountRow:
    """The sums of one time bucket of one series, over all processes."""

    series: str
    start_s: int
    counts: Mapping[str, int]


@dataclasses.dataclass(frozen=True)
class Lease:
    """A message that this process alone sends, until `until_s`. attempt: 1 at the first try."""

    message: Message
    owner: str
    attempt: int
    until_s: float


class StateStore(Protocol):
    """The rollout's state: one document, replaced by compare-and-set on its generation."""

    def state(self) -> Stored | None:
        """None before the first transition."""

    def commit(self, transition: Transition) -> Committed:
        """One of many wins each generation. Raises DocumentError and writes nothing."""

    def refresh(self, document: Document) -> bool:
        """Writes a state of the same generation, e.g. a tick of its clock; nobody is told.

        False, and nothing written, when the generation that the document names is no longer the
        one that stands. Raises DocumentError.
        """


class ChangeNotice(Protocol):
    """How a process learns of another one's transition."""

    def wait_for_change(self, generation: int, timeout_s: float) -> Stored | None:
        """The state as soon as its generation is not `generation`, else at the end of the time.

        A generation may also fall, when somebody brought an old copy of the store back.
        """


class AuditLog(Protocol):
    """Entries are only ever added."""

    def record(self, entry: LogEntry) -> int:
        """Its sequence; for actions that do not change the state."""

    def history(self, after: int = 0, limit: int = 100) -> Sequence[Recorded]:
        """The oldest entries first, from the one after sequence `after` on.

        A negative `after` gives the last -after entries.
        """


class CountStore(Protocol):
    """Sums in time buckets. Memory grows with series and time buckets, not with requests."""

    def add(self, batch: CountBatch) -> Added:
        """Raises DocumentError and adds nothing when a name or number is out of range."""

    def counts(self, *spans: Span) -> Sequence[CountRow]:
        """All in one reading, in the order of the spans; of each the oldest time bucket first."""


class Outbox(Protocol):
    """Messages to the outside, written with a transition and sent by one process at a time."""

    def lease(
        self,
        owner: str,
        *,
        now_s: float,
        lease_s: float,
        limit: int = 1,
        targets: Collection[str] | None = None,
    ) -> Sequence[Lease]:
        """The oldest messages that nobody is sending; theirs alone for `lease_s`.

        targets: only messages for these; None: all, those without a target, too.
        Of messages for one target only the oldest that is left, so they come in their order.
        A message whose lease has run out is given again, so a receiver may see it twice after
        a crash: it carries its id.
        """

    def postpone(self, lease: Lease, until_s: float) -> bool:
        """It is given again from `until_s` on, to anybody. False as for `settle`."""

    def settle(self, lease: Lease) -> bool:
        """The message is done with. False when the lease had passed to another or was settled."""


class Pruning(Protocol):
    """Forgetting what has expired."""

    def prune(self, now_s: float) -> int:
        """How many time buckets, windows, batch numbers and samples were taken away."""


class Store(
    StateStore,
    ChangeNotice,
    AuditLog,
    CountStore,
    Outbox,
    SampleStore,
    Pruning,
    Protocol,
):
    """All of it. url: what `open_store` takes, without password."""

    @property
    def url(self) -> str:
        """For people and messages; a password is left out."""

    def close(self) -> None:
        """Ends the connections of all threads of this process. May be called again."""
