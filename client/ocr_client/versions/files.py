"""Writing so that a power cut leaves the old or the new, never half of either.

Order: the bytes reach the disk (fsync), then the name changes (rename), then the folder with the
name reaches the disk. Every OSError becomes one line that says what to do.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .errors import RepositoryError

_CHUNK = 1 << 20
_HINTS = {
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "the disk quota is used up; free some space",
    errno.EFBIG: "larger than a file may be here",
    errno.EROFS: "it lies on a read-only file system; run this where it can be written",
    errno.EACCES: "permission denied; run this as the user who owns the repository",
    errno.EPERM: "not permitted; run this as the user who owns the repository",
    errno.EXDEV: "the workplace lies on another file system; name one on this: --work DIR",
}


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """OSError -> RepositoryError."""
    try:
        yield
    except OSError as error:
        hint = _HINTS.get(error.errno or 0) or (error.strerror or str(error)).lower()
        raise RepositoryError(f"{error.filename or path}: {hint}") from error


def make_folder(path: Path) -> None:
    """And its parents."""
    with explained(path):
        path.mkdir(parents=True, exist_ok=True)


def write_new(path: Path, content: bytes) -> None:
    """A file that is not there yet, on disk when this returns."""
    with explained(path), path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def copy_new(source: Path, path: Path) -> str:
    """Copies a file; SHA-256 of what was read. On disk when this returns."""
    digest = hashlib.sha256()
    with explained(path), source.open("rb") as read, path.open("xb") as file:
        while chunk := read.read(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def sha256_of(path: Path) -> str:
    """64 hexadecimal digits. Raises OSError: what to do about it, each caller knows best."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def replace(path: Path, content: bytes, *, work: Path) -> None:
    """Puts a whole file in the place of another, by a temporary file in `work`."""
    with explained(path):
        handle, name = tempfile.mkstemp(prefix="new-", dir=work)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.chmod(0o644)
            temporary.replace(path)
            _sync(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def move(source: Path, target: Path) -> None:
    """Renames a folder to where nothing is; both parents are on disk when this returns.

    Its time stamp becomes now: Triton sees by it that the version is new.
    """
    with explained(target):
        if target.exists():  # rename would take the place of an empty folder
            raise OSError(errno.EEXIST, "something is there already", str(target))
        os.utime(source)
        source.rename(target)
        _sync(target.parent)
        if source.parent != target.parent:
            _sync(source.parent)


def let_read(folder: Path) -> None:
    """Whatever this user's umask: the server reads as another one."""
    with explained(folder):
        folder.chmod(0o755)
        for entry in folder.iterdir():
            if entry.is_file():
                entry.chmod(0o644)


def remove(path: Path) -> None:
    """A file or a folder with all in it; nothing when it is not there."""
    with explained(path):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def sync_folder(path: Path) -> None:
    with explained(path):
        _sync(path)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
