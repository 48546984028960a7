"""A store in this process's memory: for tests, simulations and a single process without a file."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Sequence

from ocr_rollout.stores.batches import SOURCE_KEPT_S, Place, Seen, Sum, add_counts, summed
from ocr_rollout.stores.documents import (
    check_batch,
    check_name,
    check_sample,
    check_transition,
    decode,
    encode,
    generation_of,
)
from ocr_rollout.stores.protocol import (
    Added,
    Committed,
    CountBatch,
    CountRow,
    Document,
    Lease,
    LogEntry,
    Message,
    Recorded,
    Sample,
    Span,
    Stored,
    Transition,
)


@dataclasses.dataclass
class _Waiting:
    text: str
    due_s: float = 0.0
    attempts: int = 0
    owner: str = ""


class MemoryStore:
    """Keeps text, as the others do, so that nobody shares an object with the store.

    After a fork each process goes on with a copy of its own.
    """

    url = "memory:"

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._generation = 0
        self._text = ""
        self._audit: list[tuple[str, str]] = []  # id, document
        self._audit_ids: dict[str, int] = {}
        self._outbox: dict[str, _Waiting] = {}
        self._counts: dict[str, dict[int, Sum]] = {}  # by series and start
        self._seen: dict[Place, Seen] = {}
        self._sources: dict[str, tuple[int, float]] = {}  # last sequence, expiry
        self._samples: dict[str, tuple[Sample, str, str | None]] = {}

    def close(self) -> None:
        pass

    def state(self) -> Stored | None:
        with self._changed:
            return self._state()

    def wait_for_change(self, generation: int, timeout_s: float) -> Stored | None:
        with self._changed:
            self._changed.wait_for(lambda: self._generation != generation, timeout_s)
            return self._state()

    def commit(self, transition: Transition) -> Committed:
        check_transition(transition)
        text, entry = encode(transition.document), encode(transition.audit.document)
        messages = {message.id: encode(message.document) for message in transition.messages}
        with self._changed:
            if transition.audit.id in self._audit_ids:
                return Committed(True, self._state())
            if transition.expected != self._generation:
                return Committed(False, self._state())
            self._generation, self._text = transition.expected + 1, text
            self._record(transition.audit.id, entry)
            for message_id, message in messages.items():
                self._outbox.setdefault(message_id, _Waiting(message))
            self._changed.notify_all()
            return Committed(True, self._state())

    def refresh(self, document: Document) -> bool:
        generation, text = generation_of(document), encode(document)
        with self._changed:
            if generation != self._generation:
                return False
            self._text = text
            return True

    def record(self, entry: LogEntry) -> int:
        check_name("log entry's id", entry.id)
        text = encode(entry.document)
        with self._changed:
            return self._record(entry.id, text)

    def history(self, after: int = 0, limit: int = 100) -> Sequence[Recorded]:
        with self._changed:
            first = after if after >= 0 else max(0, len(self._audit) + after)
            found = self._audit[first : first + max(0, limit)]
        return tuple(
            Recorded(sequence, LogEntry(decode(text), entry_id))
            for sequence, (entry_id, text) in enumerate(found, start=first + 1)
        )

    def add(self, batch: CountBatch) -> Added:
        check_batch(batch)
        with self._changed:
            if batch.sequence <= self._sources.get(batch.source, (0, 0.0))[0]:
                return Added(False)
            self._sources[batch.source] = (batch.sequence, batch.at_s + SOURCE_KEPT_S)
            for keyed in batch.keyed:
                self._seen.setdefault((keyed.scope, keyed.window_s), Seen.empty())
            sums, repeats = summed(batch, self._seen)
            for (series, start_s), more in sums.items():
                there = self._counts.setdefault(series, {}).setdefault(start_s, Sum({}, 0))
                add_counts(there.counts, more.counts)
                there.expires_s = max(there.expires_s, more.expires_s)
            return Added(True, repeats)

    def counts(self, *spans: Span) -> Sequence[CountRow]:
        with self._changed:
            return tuple(
                CountRow(span.series, start_s, dict(there.counts))
                for span in spans
                for start_s, there in sorted(self._counts.get(span.series, {}).items())
                if span.since_s <= start_s < span.until_s
            )

    def lease(self, owner: str, *, now_s: float, lease_s: float, limit: int = 1) -> Sequence[Lease]:
        check_name("owner", owner)
        found: list[Lease] = []
        with self._changed:
            for message_id, waiting in self._outbox.items():
                if len(found) < limit and waiting.due_s <= now_s:
                    waiting.due_s = now_s + lease_s
                    waiting.attempts += 1
                    waiting.owner = owner
                    message = Message(decode(waiting.text), message_id)
                    found.append(Lease(message, owner, waiting.attempts, waiting.due_s))
        return tuple(found)

    def settle(self, lease: Lease) -> bool:
        with self._changed:
            waiting = self._outbox.get(lease.message.id)
            if waiting is None or (waiting.owner, waiting.attempts) != (lease.owner, lease.attempt):
                return False
            del self._outbox[lease.message.id]
            return True

    def put_sample(self, sample: Sample) -> bool:
        check_sample(sample)
        text = encode(sample.document)
        review = None if sample.review is None else encode(sample.review)
        with self._changed:
            if sample.id in self._samples:
                return False
            self._samples[sample.id] = (sample, text, review)
            return True

    def samples(self, since_s: float, until_s: float, limit: int = 100) -> Sequence[Sample]:
        with self._changed:
            found = [kept for kept in self._samples.values() if since_s <= kept[0].at_s < until_s]
        found.sort(key=lambda kept: (kept[0].at_s, kept[0].id), reverse=True)
        return tuple(
            Sample(
                sample.id,
                sample.at_s,
                sample.expires_s,
                decode(text),
                None if review is None else decode(review),
            )
            for sample, text, review in found[: max(0, limit)]
        )

    def review_sample(self, sample_id: str, review: Document) -> bool:
        text = encode(review)
        with self._changed:
            if sample_id not in self._samples:
                return False
            sample, document, _ = self._samples[sample_id]
            self._samples[sample_id] = (sample, document, text)
            return True

    def prune(self, now_s: float) -> int:
        with self._changed:
            before = self._size()
            for series, there in list(self._counts.items()):
                kept = {start_s: v for start_s, v in there.items() if v.expires_s > now_s}
                self._counts[series] = kept
                if not kept:
                    del self._counts[series]
            self._seen = {k: v for k, v in self._seen.items() if v.expires_s > now_s}
            self._sources = {k: v for k, v in self._sources.items() if v[1] > now_s}
            self._samples = {k: v for k, v in self._samples.items() if v[0].expires_s > now_s}
            return before - self._size()

    def _state(self) -> Stored | None:
        return Stored(self._generation, decode(self._text)) if self._generation else None

    def _record(self, entry_id: str, text: str) -> int:
        if entry_id not in self._audit_ids:
            self._audit.append((entry_id, text))
            self._audit_ids[entry_id] = len(self._audit)
        return self._audit_ids[entry_id]

    def _size(self) -> int:
        buckets = sum(map(len, self._counts.values()))
        return buckets + len(self._seen) + len(self._sources) + len(self._samples)
