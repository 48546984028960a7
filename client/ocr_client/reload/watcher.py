"""`Watcher`: hands over a configuration whenever its source holds another good one."""

from __future__ import annotations

import atexit
import dataclasses
import hashlib
import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ocr_client.config import ClientConfig
from ocr_client.errors import ConfigError

from .source import Parse, Source, one_line, parsed

if TYPE_CHECKING:
    from typing_extensions import Self

log = logging.getLogger("ocr_client.reload")

_CLOSE_S: Final = 0.9


@dataclasses.dataclass(frozen=True)
class Status:
    """What is in use, and what is wrong.

    source: the file, or the URL without what may be secret.
    loaded_at_s: Unix time at which the configuration in use was taken; None before the first.
    digest: SHA-256 of its content. generation: configurations taken, the first one included.
    reloads: those after the first. failures: problems reported, each once until a good read.
    error: the problem there is now, one line; the configuration taken before it stays in use.
    """

    source: str
    loaded_at_s: float | None = None
    digest: str | None = None
    generation: int = 0
    reloads: int = 0
    failures: int = 0
    error: str | None = None


@dataclasses.dataclass(frozen=True)
class _Seen:
    """One look: a content that can be used, or one that cannot, or none (digest None)."""

    digest: str | None
    config: ClientConfig | None
    error: str | None

    @property
    def problem(self) -> tuple[str | None, str | None]:
        return self.digest, self.error


class Watcher:
    """A daemon thread that reads a source again whenever it may have changed.

    A content that cannot be used changes nothing: it is logged, counted and handed to
    `on_error`, once, and the configuration before it stays. Create it after a fork.
    """

    def __init__(
        self,
        source: Source,
        apply: Callable[[ClientConfig], None],
        *,
        poll_s: float = 30.0,
        on_error: Callable[[str], None] | None = None,
        parse: Parse | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """apply: takes a configuration into use, in the watcher's thread; where it raises, the
            content is tried again at the next poll.
        poll_s: seconds between looks where nothing tells of a change; may be set later, as
            `watcher.poll_s = ...`, and counts from the next look on.
        parse: content -> configuration; `ClientConfig.from_bytes` when left out.
        clock: Unix time, for `Status.loaded_at_s`.
        """
        self.poll_s = poll_s
        self._source = source
        self._apply = apply
        self._on_error = on_error
        self._parse = parse
        self._clock = clock
        self._status = Status(source.name)
        self._told: set[tuple[str | None, str | None]] = set()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def load(self) -> ClientConfig:
        """Reads it now, without `apply`. Raises ConfigError, one line, where it cannot be used.

        For who needs the configuration before there is anything to apply it to.
        """
        seen = self._look()
        if seen.config is None:
            raise ConfigError(seen.error)
        self._took(seen)
        return seen.config

    def start(self) -> None:
        """Loads and applies, unless `load` did. Raises ConfigError on a first read that fails."""
        if self._thread is not None or self._stop.is_set():
            raise RuntimeError("a watcher starts once")
        if not self._status.generation:
            self._apply(self.load())
        self._thread = threading.Thread(target=self._run, name="ocr-config-watcher", daemon=True)
        self._thread.start()
        # The interpreter must not go away from under the native code that waits for events.
        atexit.register(self.close)

    def close(self) -> None:
        """Never raises. Takes at most a second; may be called twice.

        Once it has returned nothing is applied, but by an `apply` that is at it for longer.
        """
        self._stop.set()
        self._source.close()
        atexit.unregister(self.close)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(_CLOSE_S)

    def status(self) -> Status:
        return self._status

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._watch()

    def _watch(self) -> None:
        """Until closed; a fault of ours or of a library's ends neither the program nor this."""
        try:
            for _ in self._source.changes(self._stop, lambda: self.poll_s):
                self._follow()
                if self._stop.is_set():
                    return
        except Exception:
            log.exception("%s: watching stumbled; it goes on", self._source.name)
            self._stop.wait(self.poll_s)

    def _follow(self) -> None:
        """One look at the source and what follows from it."""
        seen = self._settled()
        if seen is None or self._stop.is_set():
            return
        if seen.config is None:
            self._complain(seen)
        elif seen.digest == self._status.digest:
            self._well_again()
        else:
            try:
                self._apply(seen.config)
            except Exception as error:  # noqa: BLE001  # whatever it raises, it was not applied
                reason = one_line(
                    error
                    if isinstance(error, ConfigError)
                    else f"{self._source.name}: cannot be applied: {type(error).__name__}: {error}"
                )
                self._complain(_Seen(seen.digest, None, reason))
            else:
                self._took(seen)
                log.info("%s: configuration %d is in use", *self._in_use())

    def _settled(self) -> _Seen | None:
        """What two looks in a row agree upon; None when the watcher closes meanwhile.

        A file that is being written is seen empty, or cut off, and a file being replaced may
        be missing: what cannot be used must stay so for `patience_s` before it is called bad.
        """
        seen, since = self._look(), time.monotonic()
        while self._source.settle_s:
            if seen.digest is not None and seen.digest == self._status.digest:
                return seen
            if seen.problem in self._told:
                return seen
            if self._stop.wait(self._source.settle_s):
                return None
            before, seen = seen, self._look(seen)
            if seen.problem != before.problem:
                since = time.monotonic()
            elif seen.config is not None or time.monotonic() - since >= self._source.patience_s:
                return seen
        return seen

    def _look(self, before: _Seen | None = None) -> _Seen:
        """Reads it; what the look before made of the same content holds."""
        try:
            content = self._source.read()
        except ConfigError as error:
            return _Seen(None, None, one_line(error))
        digest = hashlib.sha256(content).hexdigest()
        if before is not None and before.digest == digest:
            return before
        # The defaults in place of a configuration that worked are nobody's wish; a full disk
        # leaves such a file behind.
        if self._status.generation and _says_nothing(content):
            reason = f"{self._source.name}: is empty; write {{}} to go back to the defaults"
            return _Seen(digest, None, reason)
        try:
            return _Seen(digest, parsed(self._source, content, self._parse), None)
        except ConfigError as error:
            return _Seen(digest, None, str(error))

    def _took(self, seen: _Seen) -> None:
        self._told.clear()
        status = self._status
        self._status = dataclasses.replace(
            status,
            loaded_at_s=self._clock(),
            digest=seen.digest,
            generation=status.generation + 1,
            reloads=status.generation,
            error=None,
        )

    def _well_again(self) -> None:
        self._told.clear()
        if self._status.error is not None:
            self._status = dataclasses.replace(self._status, error=None)
            log.info("%s: again holds configuration %d, which is in use", *self._in_use())

    def _complain(self, seen: _Seen) -> None:
        """Says it once, until the source is well again."""
        new = seen.problem not in self._told
        self._told.add(seen.problem)
        if new:  # first, so that who sees the failure counted finds its line in the log
            log.error("%s (configuration %d stays in use)", seen.error, self._status.generation)
        self._status = dataclasses.replace(
            self._status, error=seen.error, failures=self._status.failures + new
        )
        if new and self._on_error is not None and seen.error is not None:
            try:
                self._on_error(seen.error)
            except Exception:
                log.exception("%s: on_error failed", self._source.name)

    def _in_use(self) -> tuple[str, int]:
        return self._source.name, self._status.generation


def _says_nothing(content: bytes) -> bool:
    """Blank, or comments only."""
    lines = (line.strip() for line in content.splitlines())
    return all(not line or line.startswith(b"#") for line in lines)
