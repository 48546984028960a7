"""Ports on loopback for programs that are started, killed and started again."""

from __future__ import annotations

import contextlib
import random
import socket
from pathlib import Path

CHANCE = random.SystemRandom()  # processes that were seeded alike must not choose alike


def free_port() -> int:
    """For a server that cannot be asked which port it took, or that comes back to it.

    Of those that the kernel gives to nobody by itself: between this look and the server's start,
    and while a server is down, a connection of anybody's could be given another one.
    """
    first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    ours = [*range(10_000, first), *range(last + 1, 65_536)]
    while ours:
        port = CHANCE.choice(ours)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
        ours.remove(port)
    raise OSError("no port is free outside of the kernel's own range")
