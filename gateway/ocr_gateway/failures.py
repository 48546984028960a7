"""Wrong tokens, by who sent them: from each address a few at once, then one every so many seconds.

It bounds guessing and what guesses cost. A token has at least 20 characters, so nobody finds one
by trying at any speed; where many callers come from one address, as behind a proxy that does not
say for whom it asks, they share its patience, and `ocrctl rollout` on the host needs none.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

BURST: Final = 10  # wrong tokens at once
EVERY_S: Final = 6.0  # then one in so many seconds
ADDRESSES: Final = 1_000  # remembered; the one that was quiet the longest is forgotten first
IPV6_BITS: Final = 64  # of an address: one customer has all that begin so


@dataclasses.dataclass(frozen=True, slots=True)
class _Debt:
    """seconds: of patience that were used up at `at_s`; they come back as time goes by."""

    seconds: float
    at_s: float


class Failures:
    """Of one process, for one event loop. clock: a monotonic one, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._debts: OrderedDict[str, _Debt] = OrderedDict()

    def wait_s(self, peer: str) -> float:
        """How long this address has to wait before a token of its is looked at again; 0: not."""
        return max(0.0, self._left(network(peer)) - (BURST - 1) * EVERY_S)

    def failed(self, peer: str) -> None:
        """It has sent a wrong one."""
        key = network(peer)
        self._debts[key] = _Debt(self._left(key) + EVERY_S, self._clock())
        self._debts.move_to_end(key)
        if len(self._debts) > ADDRESSES:
            self._debts.popitem(last=False)

    def _left(self, key: str) -> float:
        debt = self._debts.get(key)
        return 0.0 if debt is None else max(0.0, debt.seconds - (self._clock() - debt.at_s))


def network(peer: str) -> str:
    """What is counted as one: an IPv4 address, or the first half of an IPv6 one."""
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return peer
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, IPV6_BITS), strict=False))
