"""Three free ports on loopback."""

from __future__ import annotations

import contextlib
import dataclasses
import socket

from .errors import ServerError

LOOPBACK = "127.0.0.1"
USUAL = (8000, 8001, 8002)


@dataclasses.dataclass(frozen=True)
class Ports:
    """Of one server. None: the usual one, or any free one when that is taken. 0: any free one."""

    http: int | None = None
    grpc: int | None = None
    metrics: int | None = None


@dataclasses.dataclass(frozen=True)
class ChosenPorts:
    http: int
    grpc: int
    metrics: int


def is_free(port: int) -> bool:
    """Whether a server could listen there now, on loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def choose(wanted: Ports) -> ChosenPorts:
    """Raises ServerError naming a port that was asked for and is taken.

    Of the ports left open all move together when a usual one is taken, so that a server beside
    another is easy to tell from it.
    """
    asked = dataclasses.astuple(wanted)
    for port in asked:
        if port and not is_free(port):
            raise ServerError(
                f"port {port} is taken by another program; stop that or give another port "
                "(0 for any free one)"
            )
    open_ones = [usual for usual, port in zip(USUAL, asked, strict=True) if port is None]
    usual_free = all(is_free(port) for port in open_ones)
    numbers = [
        (usual if usual_free else 0) if port is None else port
        for usual, port in zip(USUAL, asked, strict=True)
    ]
    return ChosenPorts(*_fill(numbers))


def _fill(numbers: list[int]) -> list[int]:
    with contextlib.ExitStack() as held:  # held open together, so that no two are equal
        filled = []
        for number in numbers:
            if number:
                filled.append(number)
                continue
            probe = held.enter_context(socket.socket())
            probe.bind((LOOPBACK, 0))
            filled.append(int(probe.getsockname()[1]))
    return filled
