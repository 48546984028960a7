"""The configuration's place, watched while a client is in use."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable

from .config import ClientConfig
from .errors import ConfigError
from .reload import Status, Watcher, open_source
from .settings import ReloadSettings

log = logging.getLogger("ocr_client")


class Watch:
    """May be begun again after it was closed. For one thread at a time.

    where: a file or a URL. apply: takes what is new into use, in the watch's own thread.
    """

    def __init__(
        self, where: str | os.PathLike[str], apply: Callable[[ClientConfig], None]
    ) -> None:
        """Raises ConfigError where no configuration can be read. It is in `config`."""
        name = os.fspath(where)
        self._where = name if "://" in name else os.path.abspath(name)  # noqa: PTH100  # Path.resolve would follow the links that are swapped
        self._apply = apply
        source = open_source(name)
        self.name = source.name
        self._watcher: Watcher | None = Watcher(source, apply)
        self.config = self._watcher.load()
        self._lock = threading.RLock()  # beginning may lead to `apply`, and that to `follow`
        self._begun = False

    def begin(self, settings: ReloadSettings) -> None:
        """Never raises: what cannot be read any more leaves everything as it is."""
        with self._lock:
            if self._begun or not settings.watch:
                return
            again = self._watcher is None
            watcher = self._watcher or Watcher(open_source(self._where), self._apply)
            watcher.poll_s = settings.poll_s
            try:
                if again:  # the first time it was loaded in the beginning
                    self._apply(watcher.load())
            except ConfigError as error:
                log.error("%s (what was in use stays)", error)  # noqa: TRY400  # one line
            if not watcher.status().generation:
                return  # it cannot be read any more, and there is nothing to compare changes with
            watcher.start()
            self._watcher = watcher
            self._begun = True

    def follow(self, settings: ReloadSettings) -> None:
        """After another configuration was taken into use, maybe by the watch itself."""
        watcher = self._watcher
        if watcher is not None:
            watcher.poll_s = settings.poll_s
        if not settings.watch:
            self.close()

    def status(self) -> Status:
        watcher = self._watcher
        return Status("") if watcher is None else watcher.status()

    def close(self) -> None:
        """At most a second."""
        with self._lock:
            watcher, begun = self._watcher, self._begun
            if begun:
                self._watcher, self._begun = None, False
        if watcher is not None and begun:
            watcher.close()
