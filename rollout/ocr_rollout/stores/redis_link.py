"""The connection behind the Redis store: its URL, its errors, its scripts and its notices."""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
import time
import urllib.parse
from collections.abc import Iterator
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ocr_rollout.stores.errors import (
    StorageError,
    StoreCorruptError,
    StoreReadOnlyError,
    StoreUnavailableError,
    StoreURLError,
    StoreVersionError,
)
from ocr_rollout.stores.redis_scripts import SCHEMA_VERSION, WRONG_SCHEMA

# Where a URL names no password: a configuration that everybody may read needs none.
PASSWORD = "OCR_ROLLOUT_REDIS_PASSWORD"  # noqa: S105  # the variable's name
DEFAULT_PREFIX = "ocr_rollout"
UNHEARD_S = 0.1  # between looks at the state while notices cannot be had
_PREFIX = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_ACCEPTED = "redis://[[USER]:PASSWORD@]HOST[:PORT][/DB][?prefix=NAME]"


class RedisLink:
    """Calls scripts, once more over a new connection when one breaks: all may be repeated.

    timeout_s: of one answer of the server; also of connecting to it.
    """

    def __init__(self, url: str, *, timeout_s: float) -> None:
        """Raises StoreURLError."""
        plain, self.address, prefix = _parsed(url)
        self.prefix = f"{{{prefix}}}:"
        self._client: Any = redis.Redis.from_url(
            plain,
            password=os.environ.get(PASSWORD) or None,  # a password in the URL wins
            decode_responses=True,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            socket_keepalive=True,
            health_check_interval=30,
            retry=Retry(NoBackoff(), 1),
        )
        self._scripts: dict[str, Any] = {}
        self._local = threading.local()

    def call(self, script: str, *arguments: str | float) -> Any:
        """What the script returns. Raises StorageError."""
        if script not in self._scripts:
            self._scripts[script] = self._client.register_script(script)  # asks nobody
        with self.named():
            return self._scripts[script](keys=[self.prefix], args=arguments)

    def listen(self) -> None:
        """From now on `notice` hears of changes. Never raises: who polls will see for himself."""
        with contextlib.suppress(redis.RedisError, OSError):
            self._listener()

    def notice(self, timeout_s: float) -> None:
        """Returns at a notice, or after the time, or a little later than a lost connection."""
        try:
            self._listener().get_message(ignore_subscribe_messages=True, timeout=timeout_s)
        except (redis.RedisError, OSError):
            self._local.listener = None
            time.sleep(min(UNHEARD_S, timeout_s))

    def close(self) -> None:
        self._local.listener = None
        with contextlib.suppress(redis.RedisError, OSError):
            self._client.close()

    def _listener(self) -> Any:
        """The thread's own subscription: they are not thread-safe, nor do they survive a fork."""
        there = getattr(self._local, "listener", None)
        if there is None or self._local.pid != os.getpid():
            there = self._client.pubsub()
            there.subscribe(f"{self.prefix}changes")
            self._local.listener, self._local.pid = there, os.getpid()
        return there

    @contextlib.contextmanager
    def named(self) -> Iterator[None]:
        """Redis's errors as ours, with the address in them."""
        try:
            yield
        except redis.RedisError as error:
            raise self._meaning(error) from error
        except json.JSONDecodeError as error:
            raise StoreCorruptError(self.address, f"a document is damaged: {error}") from error
        except OSError as error:
            raise StoreUnavailableError(self.address, str(error)) from error

    def _meaning(self, error: redis.RedisError) -> StorageError:
        text = str(error)
        if text.startswith(WRONG_SCHEMA):
            found = text.split()[1]
            return StoreVersionError(
                self.address,
                f"schema {found} was written by a newer version; this one knows up to "
                f"{SCHEMA_VERSION}: upgrade this process",
            )
        if isinstance(error, redis.exceptions.ReadOnlyError):
            return StoreReadOnlyError(self.address, "it is a replica; name the primary's address")
        if "WRONGTYPE" in text:
            return StoreCorruptError(
                self.address, f"another program uses the prefix {self.prefix}: {text}"
            )
        return StoreUnavailableError(self.address, text or type(error).__name__)


def _parsed(url: str) -> tuple[str, str, str]:
    """URL for the library, address for people, prefix. Raises StoreURLError."""
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port or 6379
    except ValueError as error:
        raise StoreURLError(f"the URL of a Redis store: {error}; write {_ACCEPTED}") from None
    query = urllib.parse.parse_qs(parts.query, keep_blank_values=True)
    database = parts.path.strip("/") or "0"
    address = f"{parts.scheme}://{parts.hostname}:{port}/{database}"
    prefix = query.pop("prefix", [DEFAULT_PREFIX])[-1]
    if not parts.hostname or not database.isdecimal() or parts.fragment:
        raise StoreURLError(f"{address!r:.200} names no Redis database; write {_ACCEPTED}")
    if query:
        raise StoreURLError(f"{address}: unknown option {', '.join(query)}; write {_ACCEPTED}")
    if _PREFIX.fullmatch(prefix) is None:
        raise StoreURLError(
            f"{address}: the prefix {prefix!r:.100} is not made of A-Z a-z 0-9 _ . -"
        )
    shown = address if prefix == DEFAULT_PREFIX else f"{address}?prefix={prefix}"
    plain = urllib.parse.urlunsplit((parts.scheme, parts.netloc, f"/{database}", "", ""))
    return plain, shown, prefix
