"""A store in this process's memory: for tests, simulations and a single process without a file."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence

from ocr_rollout.stores.batches import SOURCE_KEPT_S, Place, Seen, Sum, add_counts, summed
from ocr_rollout.stores.documents import (
    check_batch,
    check_name,
    check_transition,
    decode,
    encode,
    generation_of,
)
from ocr_rollout.stores.memory_outbox import MemoryOutbox, prepared
from ocr_rollout.stores.memory_samples import Kept, MemorySamples
from ocr_rollout.stores.protocol import (
    Added,
    Committed,
    CountBatch,
    CountRow,
    Document,
    Lease,
    LogEntry,
    Recorded,
    Span,
    Stored,
    Transition,
)


class MemoryStore(MemorySamples):
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
        self._outbox = MemoryOutbox()
        self._counts: dict[str, dict[int, Sum]] = {}  # by series and start
        self._seen: dict[Place, Seen] = {}
        self._sources: dict[str, tuple[int, float]] = {}  # last sequence, expiry
        self._samples: dict[str, Kept] = {}

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
        waiting = prepared(transition.messages)
        with self._changed:
            if transition.audit.id in self._audit_ids:
                return Committed(True, self._state())
            if transition.expected != self._generation:
                return Committed(False, self._state())
            self._generation, self._text = transition.expected + 1, text
            self._record(transition.audit.id, entry)
            self._outbox.put(waiting)
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
            self._add_sums(sums)
            return Added(True, repeats)

    def counts(self, *spans: Span) -> Sequence[CountRow]:
        with self._changed:
            return tuple(
                CountRow(span.series, start_s, dict(there.counts))
                for span in spans
                for start_s, there in sorted(self._counts.get(span.series, {}).items())
                if span.since_s <= start_s < span.until_s
            )

    def lease(
        self,
        owner: str,
        *,
        now_s: float,
        lease_s: float,
        limit: int = 1,
        targets: Collection[str] | None = None,
    ) -> Sequence[Lease]:
        return self._outbox.lease(owner, now_s=now_s, lease_s=lease_s, limit=limit, targets=targets)

    def postpone(self, lease: Lease, until_s: float) -> bool:
        return self._outbox.postpone(lease, until_s)

    def settle(self, lease: Lease) -> bool:
        return self._outbox.settle(lease)

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
            self._samples = {k: v for k, v in self._samples.items() if v.sample.expires_s > now_s}
            return before - self._size()

    def _state(self) -> Stored | None:
        return Stored(self._generation, decode(self._text)) if self._generation else None

    def _record(self, entry_id: str, text: str) -> int:
        if entry_id not in self._audit_ids:
            self._audit.append((entry_id, text))
            self._audit_ids[entry_id] = len(self._audit)
        return self._audit_ids[entry_id]

    def _add_sums(self, sums: dict[Place, Sum]) -> None:
        for (series, start_s), more in sums.items():
            there = self._counts.setdefault(series, {}).setdefault(start_s, Sum({}, 0))
            add_counts(there.counts, more.counts)
            there.expires_s = max(there.expires_s, more.expires_s)

    def _size(self) -> int:
        buckets = sum(map(len, self._counts.values()))
        return buckets + len(self._seen) + len(self._sources) + len(self._samples)
