"""Ties a process group to this process: when it ends, however it ends, the kernel kills the group.

A parent-death signal reaches one child and follows the thread that forked it; stubs are forked by
threads of Triton's that come and go. The stubs look for their server themselves, but not while
they hang in a lock that it died with, or are stopped. The end of a pipe is noticed by the kernel
alone: this process holds the only writing end, and the reading end, inherited by the group, is
set to send SIGKILL to all of it (fcntl(2): F_SETOWN with a group, F_SETSIG, O_ASYNC).
"""

from __future__ import annotations

import fcntl
import os
import signal


class Leash:
    """Pass `inherited` to the group's first process, then tie(); untie() once the group is gone."""

    def __init__(self) -> None:
        # Neither end is inherited by default, so no other child keeps the pipe open.
        self.inherited, self._held = os.pipe()

    def tie(self, group: int) -> None:
        """From now on the group ends with this process. It must exist."""
        fcntl.fcntl(self.inherited, fcntl.F_SETOWN, -group)
        fcntl.fcntl(self.inherited, fcntl.F_SETSIG, signal.SIGKILL)
        flags = fcntl.fcntl(self.inherited, fcntl.F_GETFL)
        fcntl.fcntl(self.inherited, fcntl.F_SETFL, flags | os.O_ASYNC)

    def untie(self) -> None:
        """Once, when the group has ended: whoever is still in it is killed."""
        os.close(self._held)  # the signal is sent now, while the other end is open
        os.close(self.inherited)
