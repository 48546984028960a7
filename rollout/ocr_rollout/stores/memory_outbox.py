"""`MemoryOutbox`: messages to the outside that wait in this process's memory."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from ocr_rollout.stores.documents import check_name, decode, encode
from ocr_rollout.stores.protocol import Lease, Message


@dataclasses.dataclass
class _Waiting:
    text: str
    target: str | None
    due_s: float = 0.0
    attempts: int = 0
    owner: str = ""


Prepared = Mapping[str, _Waiting]


def prepared(messages: Iterable[Message]) -> Prepared:
    """For `MemoryOutbox.put`, by id. Raises DocumentError."""
    return {
        message.id: _Waiting(encode(message.document), message.document.get("target"))
        for message in messages
    }


class MemoryOutbox:
    """An `Outbox` of its own, and the part of `MemoryStore` that is one. Safe in threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, _Waiting] = {}  # by id, in the order of their writing

    def put(self, waiting: Prepared) -> None:
        """Behind all others; one whose id is there already is not put again."""
        with self._lock:
            for message_id, message in waiting.items():
                self._waiting.setdefault(message_id, message)

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
        found: list[Lease] = []
        with self._lock:
            for message_id, waiting in self._first():
                wanted = targets is None or waiting.target in targets
                if wanted and len(found) < limit and waiting.due_s <= now_s:
                    waiting.due_s = now_s + lease_s
                    waiting.attempts += 1
                    waiting.owner = owner
                    message = Message(decode(waiting.text), message_id)
                    found.append(Lease(message, owner, waiting.attempts, waiting.due_s))
        return tuple(found)

    def postpone(self, lease: Lease, until_s: float) -> bool:
        with self._lock:
            waiting = self._leased(lease)
            if waiting is not None:
                waiting.due_s = until_s
        return waiting is not None

    def settle(self, lease: Lease) -> bool:
        with self._lock:
            if self._leased(lease) is None:
                return False
            del self._waiting[lease.message.id]
            return True

    def _first(self) -> Iterator[tuple[str, _Waiting]]:
        """Of each target the oldest, and all that have no target."""
        seen: set[str] = set()
        for message_id, waiting in self._waiting.items():
            if waiting.target is None:
                yield message_id, waiting
            elif waiting.target not in seen:
                seen.add(waiting.target)
                yield message_id, waiting

    def _leased(self, lease: Lease) -> _Waiting | None:
        waiting = self._waiting.get(lease.message.id)
        if waiting is None or (waiting.owner, waiting.attempts) != (lease.owner, lease.attempt):
            return None
        return waiting
