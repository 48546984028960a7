"""Unix time that jumps: loading this module replaces `time.time` for all Python code of the process.

So the routing client, its stores and its part in the rollout see the jump, as after somebody set the
machine's clock. What is written in C, and every other process, does not; the monotonic clock stays as
it is, as it would.
"""

from __future__ import annotations

import time

_real = time.time
_off_s = 0.0


def off(seconds: float) -> None:
    """From now on the clock is wrong by so much."""
    global _off_s  # noqa: PLW0603  # one clock for a process
    _off_s = seconds


def _jumping() -> float:
    return _real() + _off_s


time.time = _jumping
