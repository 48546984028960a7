"""Where a configuration comes from."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from ocr_client.config import ClientConfig
from ocr_client.errors import ConfigError

from .files import FileSource
from .http import HttpSource

Parse = Callable[[bytes], ClientConfig]
_LONGEST_LINE = 500  # characters; a mistake quotes the value, which may be the whole document


class Source(Protocol):
    """One place. `name` begins every error; it holds no password and no token.

    folder: where relative file names in the configuration begin; None: the working directory.
    settle_s, patience_s: a changed content counts when it is the same `settle_s` later, one that
        cannot be used when it is so for `patience_s`; 0 where contents change as a whole.
    """

    @property
    def name(self) -> str: ...
    @property
    def folder(self) -> Path | None: ...
    @property
    def settle_s(self) -> float: ...
    @property
    def patience_s(self) -> float: ...

    def read(self) -> bytes:
        """The content. Raises ConfigError, one line, in bounded time and of bounded size."""
        ...

    def changes(self, stop: threading.Event, poll_s: Callable[[], float]) -> Iterator[None]:
        """Yields when the content may be another one, and every `poll_s()`; ends with `stop`."""
        ...

    def close(self) -> None:
        """Ends a `read` that is under way in another thread."""
        ...


def open_source(where: str | os.PathLike[str]) -> FileSource | HttpSource:
    """The file, or the URL that begins with http:// or https://. Raises ConfigError on others.

    Touches neither yet: `read` does.
    """
    name = os.fspath(where)
    scheme, separator, _ = name.partition("://")
    if not separator or not scheme.isalpha():
        return FileSource(name)
    if scheme.lower() in {"http", "https"}:
        return HttpSource(name)
    raise ConfigError(f"{scheme}://: is not accepted; accepted: a file, http:// or https://")


def read_config(source: Source) -> ClientConfig:
    """Raises ConfigError, one line that begins with the source's name."""
    return parsed(source, source.read())


def parsed(source: Source, content: bytes, parse: Parse | None = None) -> ClientConfig:
    """Raises ConfigError and nothing else: a reader that stumbles is a bad content, too."""
    try:
        if parse is not None:
            return parse(content)
        return ClientConfig.from_bytes(content, name=source.name, folder=source.folder)
    except ConfigError as error:
        raise ConfigError(one_line(error)) from None
    except Exception as error:
        raise ConfigError(
            one_line(f"{source.name}: cannot be used: {type(error).__name__}: {error}")
        ) from error


def one_line(error: object) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= _LONGEST_LINE else f"{text[:_LONGEST_LINE]} ..."
