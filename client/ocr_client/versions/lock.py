"""One command at a time on a repository, by a lock that ends with the process that holds it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator

from .errors import BusyError, RepositoryError
from .files import explained, make_folder
from .places import Repository

POLL_S = 0.1
HOLDER = "holder"


@contextlib.contextmanager
def exclusive(
    repository: Repository,
    what: str,
    *,
    wait_s: float = 0.0,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[None]:
    """Raises BusyError when another command has it for longer than `wait_s`.

    The lock is on the repository's folder itself, so that a workplace of another name does not
    let a second command in.
    """
    make_folder(repository.work)
    _refuse_other_disk(repository)
    holder = repository.work / HOLDER
    with explained(repository.root):
        handle = os.open(repository.root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        end = clock() + wait_s
        while not _taken(handle):
            if clock() >= end:
                raise BusyError(
                    f"another command is at work on {repository.root}{_who(holder)}; "
                    "try again when it is done, or wait for it: --wait SECONDS"
                )
            time.sleep(POLL_S)
        with explained(holder):
            holder.write_text(f"{what}, process {os.getpid()}\n", encoding="utf-8")
        yield
    finally:
        os.close(handle)


def _refuse_other_disk(repository: Repository) -> None:
    """A rename cannot cross file systems, and a copy would not be one step."""
    with explained(repository.root):
        if repository.work.stat().st_dev != repository.root.stat().st_dev:
            raise RepositoryError(
                f"{repository.work}: the workplace lies on another file system than "
                f"{repository.root}; name one on the same: --work DIR"
            )


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _who(holder: os.PathLike[str]) -> str:
    try:
        with open(holder, encoding="utf-8") as file:  # noqa: PTH123  # any path will do
            return f" ({file.read().strip()})"
    except OSError:
        return ""
