"""Programs of the system that tests need; root installs Debian's, once for all who test at a time."""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

# One folder for all checkouts and workers of a user: dpkg refuses a second one instead of waiting.
LOCK = Path(tempfile.gettempdir()) / f"ocr-rollout-tests-{os.getuid()}.lock"
# For those who install something else on this machine meanwhile.
WAIT = ("-o", "DPkg::Lock::Timeout=600")


def program(*names: str, install: str) -> str:
    """Path of the first of them that is there. Fails the test, naming the command, without one.

    install: an `apt-get install` that brings one of them.
    """
    # Under the lock even when it is there: it may be there without what it needs for some seconds.
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = _on_path(names)
        if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
            _install(shlex.split(install))
            found = _on_path(names)
    if found is None:
        pytest.fail(f"these tests need {names[0]}; run: {install}", pytrace=False)
    return found


def _on_path(names: tuple[str, ...]) -> str | None:
    return next(filter(None, map(shutil.which, names)), None)


def _install(words: list[str]) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], words):
        subprocess.run(
            [command[0], *WAIT, *command[1:]], env=environment, capture_output=True, check=False
        )
