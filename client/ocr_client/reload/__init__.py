"""Reading the configuration anew while the program runs: from a file, or over HTTP."""

from .files import FileSource
from .http import HttpSource
from .source import Source, open_source, read_config
from .watcher import Status, Watcher

__all__ = [
    "FileSource",
    "HttpSource",
    "Source",
    "Status",
    "Watcher",
    "open_source",
    "read_config",
]
