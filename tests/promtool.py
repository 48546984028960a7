"""Prometheus, and its own tool, which checks and tests what Prometheus will read."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

INSTALL = "apt-get install -y --no-install-recommends prometheus"


def promtool() -> str:
    """Path of promtool. Fails the test, naming the command that installs it, without one."""
    return _program("promtool")


def prometheus() -> str:
    """Path of the server, in the same way."""
    return _program("prometheus")


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update", "-qq"], INSTALL.split()):
            subprocess.run(command, env=environment, capture_output=True, check=False)
        found = shutil.which(name)
    if found is None:
        pytest.fail(f"these tests need {name}; run: {INSTALL}", pytrace=False)
    return found
