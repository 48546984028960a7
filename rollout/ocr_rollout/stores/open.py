"""From a URL to a store.

| URL | store |
|---|---|
| `sqlite:///rollout.db` | a file, relative to the working directory |
| `sqlite:////var/lib/ocr/rollout.db` | a file by its absolute path: four slashes |
| `redis://[[USER]:PASSWORD@]HOST[:PORT][/DB][?prefix=NAME]` | Redis 7 |
| `rediss://...` | the same over TLS |
| `memory:` | this process's memory; every call opens another one |

A Redis URL without a password takes the one in OCR_ROLLOUT_REDIS_PASSWORD, if that is set.
"""

from __future__ import annotations

import urllib.parse

from ocr_rollout.stores.errors import MissingExtraError, StoreURLError
from ocr_rollout.stores.memory import MemoryStore
from ocr_rollout.stores.protocol import Store
from ocr_rollout.stores.sqlite import SqliteStore

ACCEPTED = "sqlite:///FILE, redis://HOST:PORT/DB or memory:"


def open_store(url: str) -> Store:
    """Raises StoreURLError or MissingExtraError. Does not touch the store yet: its methods do."""
    scheme, colon, rest = url.partition(":")
    if scheme == "memory" and colon and rest in {"", "//"}:
        return MemoryStore()
    if scheme == "sqlite" and rest.startswith("///"):
        path = urllib.parse.unquote(rest[3:])
        if path and "\0" not in path and not path.endswith("/"):
            return SqliteStore(path)
    if scheme in {"redis", "rediss"} and rest.startswith("//"):
        return _redis(url)
    raise StoreURLError(f"{_shown(url)!r:.200} is not the URL of a store; write {ACCEPTED}")


def _redis(url: str) -> Store:
    try:
        from ocr_rollout.stores.redis import RedisStore  # noqa: PLC0415  # of the extra [redis]
    except ModuleNotFoundError as error:
        if error.name != "redis":
            raise
        raise MissingExtraError(
            "a Redis store needs the extra [redis]: pip install 'ocr-rollout[redis]'"
        ) from None
    return RedisStore(url)


def _shown(url: str) -> str:
    """Without what may be a password."""
    head, at, tail = url.rpartition("@")
    return f"{head.partition('//')[0]}//...@{tail}" if at else url
