"""The way to a file through its symbolic links: what must be watched to see it change."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Final

_MOST_LINKS: Final = 40  # as Linux has it


@dataclasses.dataclass(frozen=True)
class Trail:
    """folders: real directories to watch, each with (device, inode), for another may take its name.
    entries: the paths in them that lead to the file: each symbolic link, and the file itself.

    A mounted ConfigMap's `config.yaml -> ..data/config.yaml`, `..data -> ..2024_x` has the
    entries config.yaml and ..data in its directory and config.yaml in ..2024_x.
    """

    folders: tuple[tuple[str, tuple[int, int]], ...]
    entries: frozenset[str]

    def holds(self, path: str) -> bool:
        """Whether an event at this path may be a change of the file."""
        return path in self.entries or any(path == folder for folder, _ in self.folders)


def follow(path: Path) -> Trail:
    """Never raises: where something is missing, the trail ends there, where it would appear.

    path: absolute.
    """
    waiting = list(reversed(path.parts[1:]))
    here = Path(path.anchor)
    entries: list[Path] = []
    links = 0
    while waiting and links <= _MOST_LINKS:
        part = waiting.pop()
        if part == os.pardir:
            here = here.parent  # no link is left in it
            continue
        entry = here / part
        try:
            target = entry.readlink()
        except OSError:  # not a link, or not there
            if not waiting or not entry.is_dir():
                entries.append(entry)
                break
            here = entry
            continue
        entries.append(entry)
        links += 1
        parts = target.parts
        if target.is_absolute():
            here, parts = Path(target.anchor), parts[1:]
        waiting.extend(reversed(parts))
    known = ((str(folder), _identity(folder)) for folder in sorted({e.parent for e in entries}))
    return Trail(
        tuple((folder, identity) for folder, identity in known if identity is not None),
        frozenset(map(str, entries)),
    )


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
