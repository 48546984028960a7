"""Which transport each thread has a connection with."""

from __future__ import annotations

import threading

from .transport import Transport


class Connections:
    """A thread's connection is the thread's to close, also when the transport is replaced."""

    def __init__(self) -> None:
        self._local = threading.local()

    def use(self, transport: Transport) -> None:
        """The calling thread asks this one from now on; closes its connection with another."""
        before: Transport | None = getattr(self._local, "transport", None)
        if before is transport:
            return
        self._local.transport = transport
        if before is not None:
            before.close()

    def close(self, transport: Transport, *, thread_ends: bool) -> None:
        """Closes the calling thread's. transport: the present one."""
        before: Transport | None = self._local.__dict__.pop("transport", None)
        if before is not None and before is not transport:
            before.close()
        transport.close(thread_ends=thread_ends)
