"""`share`: the user's own sentence, "an error rate above 5 % goes back to stable".

The last 200 requests, at least 100 of them, share above the limit. As it stands it takes back
8 % of all candidates at a true 2 % and nearly all at exactly 5 % within 1,000 requests, so in
`confirmed` mode the lower bound of the phase's share, valid at any number of looks, must exceed
the limit too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from .early import lower_bound
from .verdict import Verdict, senseless

LAST: Final = 200
LEAST: Final = 100


def last_requests(newest_first: Iterable[tuple[int, int]], last: int = LAST) -> tuple[int, int]:
    """(requests, faults) of the newest buckets that together hold at least `last` requests."""
    n = s = 0
    for requests, faults in newest_first:
        if n >= last:
            break
        n, s = n + requests, s + faults
    return n, s


def share(
    newest_first: Iterable[tuple[int, int]],
    *,
    p0: float,
    confirm: tuple[int, int] | None = None,
    alpha: float = 0.01,
    last: int = LAST,
    least: int = LEAST,
) -> Verdict:
    """FAIL when the share of the last requests is above p0, and confirmed where that is asked.

    newest_first: (requests, faults) of the buckets.
    confirm: (requests, faults) of the whole phase; None: the literal rule.
    """
    n, s = last_requests(newest_first, last)
    error = senseless("share", n, s) or (senseless("share", *confirm) if confirm else None)
    if error is not None:
        return error
    if n < least:
        why = f"{n} requests, {least} are needed"
        return Verdict("INCONCLUSIVE", "share", s / n if n else None, p0, n, why)
    why = f"{s} of the last {n} are errors, {s / n:.2%}; limit {p0:.2%}"
    if s / n <= p0:
        return Verdict("PASS", "share", s / n, p0, n, why)
    if confirm is None:
        return Verdict("FAIL", "share", s / n, p0, n, why)
    bound = lower_bound(*confirm, alpha)
    why += f"; the phase's share is surely above {bound:.2%} only"
    if bound > p0:
        return Verdict("FAIL", "share", s / n, p0, n, why.removesuffix(" only"))
    return Verdict("INCONCLUSIVE", "share", s / n, p0, n, why)
