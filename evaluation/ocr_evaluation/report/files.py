"""Several files in one folder, all of them or none."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

_FOR_ITS_OWNER = 0o600  # users' texts and pictures are in it


def refuse_unwritable(folder: Path) -> None:
    """Raises OSError where no file could be written there; makes nothing."""
    there = folder.absolute()
    while not there.exists():
        there = there.parent
    if not there.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(there))
    if not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(there))


def write_together(folder: Path, contents: Mapping[str, str]) -> list[Path]:
    """Raises OSError, or whatever interrupts it; then the files are as they were.

    Everything is on the disk under other names before the first file is replaced, and what was
    replaced is put back where a later one cannot be. (A process that is killed between two renames
    leaves files of two reports: each names when it was made.)
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / name for name in contents]
    with tempfile.TemporaryDirectory(prefix=".report-", dir=folder) as place:
        new, old = Path(place) / "new", Path(place) / "old"
        new.mkdir()
        old.mkdir()
        for name, content in contents.items():
            _write(new / name, content)
        for path in paths:
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
            if path.exists():
                shutil.copy2(path, old / path.name)
        done: list[Path] = []
        try:
            for path in paths:
                done.append(path)
                (new / path.name).replace(path)
        except BaseException:
            for path in done:
                _put_back(old / path.name, path, new / path.name)
            raise
    return paths


def _put_back(kept: Path, path: Path, new: Path) -> None:
    """new: still there where the file was not replaced."""
    if kept.exists():
        kept.replace(path)
    elif not new.exists():
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _write(path: Path, content: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FOR_ITS_OWNER)
    with os.fdopen(
        descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="\n"
    ) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
