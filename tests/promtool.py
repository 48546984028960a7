"""Prometheus, and its own tool, which checks and tests what Prometheus will read."""

from __future__ import annotations

from installed import program

INSTALL = "apt-get install -y --no-install-recommends prometheus"


def promtool() -> str:
    """Path of promtool. Fails the test, naming the command that installs it, without one."""
    return program("promtool", install=INSTALL)


def prometheus() -> str:
    """Path of the server, in the same way."""
    return program("prometheus", install=INSTALL)
