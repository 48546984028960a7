"""A store in Redis 7, for many hosts. Needs the extra [redis].

Run the server with `appendonly yes`, `appendfsync always` and `maxmemory-policy noeviction`: what
it has confirmed then survives its crash and a power cut. With the default `appendfsync everysec` it
confirms what it has not yet given to the kernel while it waits for the disk, so even a crash of the
server alone may take the last two seconds. Clients then go on from the older state that they find.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from ocr_rollout.stores import redis_scripts as scripts
from ocr_rollout.stores.batches import SOURCE_KEPT_S
from ocr_rollout.stores.documents import (
    check_batch,
    check_name,
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
    Span,
    Stored,
    Transition,
)
from ocr_rollout.stores.redis_link import RedisLink
from ocr_rollout.stores.redis_rows import rows, ttl
from ocr_rollout.stores.redis_samples import RedisSamples

POLL_S = 1.0  # a look at the state although no notice came: pub/sub promises no delivery
PRUNED_AT_ONCE = 1_000  # keys: Redis answers nobody else meanwhile


class RedisStore(RedisSamples):
    """Raises StorageError from every method. Connects when it is first used.

    url: as `open_store` has it. Raises StoreURLError.
    timeout_s: how long the server may take for one answer.
    """

    def __init__(self, url: str, *, timeout_s: float = 2.0) -> None:
        self._link = RedisLink(url, timeout_s=timeout_s)

    @property
    def url(self) -> str:
        return self._link.address

    def close(self) -> None:
        self._link.close()

    def state(self) -> Stored | None:
        return self._stored(self._link.call(scripts.STATE))

    def wait_for_change(self, generation: int, timeout_s: float) -> Stored | None:
        deadline = time.monotonic() + timeout_s
        while True:
            self._link.listen()  # before looking, so that no change falls between the two
            state = self.state()
            left_s = deadline - time.monotonic()
            if (state.generation if state else 0) != generation or left_s <= 0:
                return state
            self._link.notice(min(POLL_S, left_s))

    def commit(self, transition: Transition) -> Committed:
        check_transition(transition)
        won, *state = self._link.call(
            scripts.COMMIT,
            transition.expected,
            transition.expected + 1,
            encode(transition.document),
            transition.audit.id,
            encode(transition.audit.document),
            *(
                part
                for message in transition.messages
                for part in (message.id, encode(message.document))
            ),
        )
        return Committed(bool(won), self._stored(state))

    def refresh(self, document: Document) -> bool:
        generation, text = generation_of(document), encode(document)
        return bool(self._link.call(scripts.REFRESH, generation, text))

    def record(self, entry: LogEntry) -> int:
        check_name("log entry's id", entry.id)
        return int(self._link.call(scripts.RECORD, entry.id, encode(entry.document)))

    def history(self, after: int = 0, limit: int = 100) -> Sequence[Recorded]:
        first, texts = self._link.call(scripts.HISTORY, after, max(0, limit))
        parts = [text.partition(" ") for text in texts]
        with self._link.named():
            return tuple(
                Recorded(sequence, LogEntry(decode(text), name))
                for sequence, (name, _, text) in enumerate(parts, start=first)
            )

    def add(self, batch: CountBatch) -> Added:
        check_batch(batch)
        at_s = batch.at_s
        # Requests that went alike often share their deltas; each group is sent once.
        groups = {id(item.deltas): item.deltas for item in batch.keyed}
        places = {key: number for number, key in enumerate(groups, start=1)}  # Lua counts from 1
        keyed = [
            (
                item.scope,
                str(item.window_s),
                str(item.window_expires_s),
                ttl(item.window_expires_s, at_s),
                str(item.bucket),
                places[id(item.deltas)],
            )
            for item in batch.keyed
        ]
        parts = {
            "rows": rows(batch.deltas, at_s),
            "groups": [rows(group, at_s) for group in groups.values()],
            "keyed": keyed,
        }
        repeats = self._link.call(
            scripts.ADD,
            batch.source,
            batch.sequence,
            at_s + SOURCE_KEPT_S,
            ttl(at_s + SOURCE_KEPT_S, at_s),
            json.dumps(parts),
        )
        return Added(False) if repeats < 0 else Added(True, repeats)

    def counts(self, *spans: Span) -> Sequence[CountRow]:
        wanted = [part for span in spans for part in (span.series, span.since_s, span.until_s)]
        found = self._link.call(scripts.COUNTS, *wanted)
        return tuple(
            CountRow(span.series, int(start_s), _counts(counts))
            for span, rows in zip(spans, found, strict=True)
            for start_s, counts in _pairs(rows)
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
        check_name("owner", owner)
        until_s = now_s + lease_s
        wanted = () if targets is None else ("only", *targets)
        found = self._link.call(scripts.LEASE, owner, now_s, until_s, max(0, limit), *wanted)
        with self._link.named():
            return tuple(
                Lease(Message(decode(text), name), owner, attempt, until_s)
                for name, text, attempt in zip(found[::3], found[1::3], found[2::3], strict=True)
            )

    def postpone(self, lease: Lease, until_s: float) -> bool:
        named = lease.message.id, lease.owner, lease.attempt
        return bool(self._link.call(scripts.POSTPONE, *named, until_s))

    def settle(self, lease: Lease) -> bool:
        done = self._link.call(scripts.SETTLE, lease.message.id, lease.owner, lease.attempt)
        return bool(done)

    def prune(self, now_s: float) -> int:
        gone = 0
        while True:
            some: int = self._link.call(scripts.PRUNE, now_s, PRUNED_AT_ONCE)
            gone += some
            if some < PRUNED_AT_ONCE:
                return gone

    def _stored(self, found: Sequence[Any]) -> Stored | None:
        generation, text = found
        with self._link.named():
            return Stored(int(generation), decode(text)) if int(generation) else None


def _pairs(flat: Sequence[Any]) -> Iterable[tuple[Any, Any]]:
    return zip(flat[::2], flat[1::2], strict=True)


def _counts(found: Any) -> dict[str, int]:
    """A hash as a script gives it: a flat list, or a mapping in the protocol RESP3."""
    pairs = found.items() if isinstance(found, dict) else _pairs(found)
    return {name: int(value) for name, value in pairs}
