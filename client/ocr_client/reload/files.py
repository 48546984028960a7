"""A configuration file: watched by its directories, for editors and Kubernetes replace files."""

from __future__ import annotations

import logging
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from watchfiles._rust_notify import RustNotify

from ocr_client.config import MOST_BYTES
from ocr_client.errors import ConfigError

from .limits import TOO_LONG
from .trail import Trail, follow

log = logging.getLogger("ocr_client.reload")

# RustNotify looks for events, and for `stop`, once a step, and hands out a batch after a step
# without another event, at the latest after the debounce: in the directory of a busy SQLite
# file there is always another one.
_STEP_MS: Final = 50
_DEBOUNCE_MS: Final = 200
_WITHOUT_INOTIFY_MS: Final = 2_000  # where the system has no events, RustNotify looks by itself


class FileSource:
    """Edits in place, replacement by renaming and swapped symbolic links are all seen at once.

    So is a file that goes away and comes back. Where there are no events (no inotify left, a
    network file system, a directory that was replaced as a whole) the poll finds the change.
    """

    settle_s: Final = 0.1
    patience_s: Final = 0.5

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.name: Final = os.fspath(path)
        self._path: Final = Path(path).absolute()  # the working directory may change later
        self.folder: Final = self._path.parent
        self._was_away = False  # since the watch was made

    def read(self) -> bytes:
        """Raises ConfigError where it is no file of at most MOST_BYTES that can be read."""
        try:
            # without waiting for a writer, where it is a pipe
            handle = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(handle, "rb") as file:
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise ConfigError(f"{self.name}: is not a regular file; name a file")
                content = file.read(MOST_BYTES + 1)
        except OSError as error:
            self._was_away = True
            reason = (error.strerror or str(error)).lower()
            raise ConfigError(f"{self.name}: {reason}; name a file that can be read") from None
        except ValueError as error:  # a name that no system takes
            raise ConfigError(f"{self.name!r}: {error}; name a file that can be read") from None
        if len(content) > MOST_BYTES:
            raise ConfigError(f"{self.name}: {TOO_LONG}")
        return content

    def changes(self, stop: threading.Event, poll_s: Callable[[], float]) -> Iterator[None]:
        """See `Source`."""
        while not stop.is_set():
            self._was_away = False
            trail = follow(self._path)
            watch = _watch(trail)
            if watch is None:
                yield
                stop.wait(poll_s())
                continue
            with watch:
                yield  # it may have changed before the watch was there
                yield from self._events(watch, trail, stop, poll_s)

    def close(self) -> None:
        """Nothing to end: reading a file takes no time."""

    def _events(
        self, watch: RustNotify, trail: Trail, stop: threading.Event, poll_s: Callable[[], float]
    ) -> Iterator[None]:
        """Until `stop`, or until the file lies somewhere else."""
        looked = time.monotonic()
        while follow(self._path) == trail:
            left_s = max(looked + poll_s() - time.monotonic(), _STEP_MS / 1e3)
            try:
                found = watch.watch(_DEBOUNCE_MS, _STEP_MS, int(left_s * 1e3), stop)
            except (OSError, RuntimeError) as error:  # the watch broke: another one
                log.debug("%s: the watch broke: %s", self.name, error)
                stop.wait(min(poll_s(), 1.0))
                return
            if stop.is_set():
                return
            seen = isinstance(found, set) and any(trail.holds(path) for _, path in found)
            if seen or time.monotonic() >= looked + poll_s():
                yield
                looked = time.monotonic()
                if self._was_away:
                    # A directory that was away as well may have come back under its old number:
                    # the trail is the same, and nothing is heard of it any more.
                    return


def _watch(trail: Trail) -> RustNotify | None:
    """None where nothing can be watched: nothing there, or the system's watches are used up."""
    folders = [folder for folder, _ in trail.folders]
    if not folders:
        return None
    try:
        return RustNotify(folders, False, False, _WITHOUT_INOTIFY_MS, False, True)
    except (OSError, RuntimeError) as error:
        log.debug("%s cannot be watched, only polled: %s", ", ".join(folders), error)
        return None
