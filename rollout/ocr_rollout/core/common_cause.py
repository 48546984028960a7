"""Common cause: stable fails too at the same time, so no verdict against the candidate.

Looked at only when a rule trips: stable's CUSUM over the stretch in which the candidate went bad
(from half a minute before it), with a limit of 20 to 1, far lower than the candidate's, because
the question is no longer whether anything is wrong but whom it hits.

At a share near 100 % stable has no traffic in which to fail. Then connections that broke, and
nothing else, are taken for the network's or the server's fault: going back would not help.
"""

from __future__ import annotations

import math
from typing import Final

from .counts import Counts
from .evidence import Evidence, error_buckets
from .late import cusum
from .verdict import Verdict
from .windows import Series

H: Final = math.log(20)
BEFORE_S: Final = 30
LEAST: Final = 5  # requests of stable that say it is well


def common_cause(evidence: Evidence, *, p0: float, now_s: float) -> Verdict:
    """FAIL: stable fails as well. PASS: it does not. INCONCLUSIVE: it had hardly any request."""
    trouble = cusum(evidence.errors(), min(p0, 0.5))
    since_s = (now_s if trouble.start_s is None else trouble.start_s) - BEFORE_S
    during = Series(Counts(), evidence.stable.since(since_s))
    n = sum(bucket.counts.requests for bucket in during.buckets)
    found = cusum(error_buckets(during), min(p0, 0.5))
    why = f"stable: {found.s} of {found.n} are errors at the same time ({n} requests); g {found.g:.2f}, limit {H:.2f}"
    if found.g >= H:
        return Verdict("FAIL", "common_cause", found.g, H, n, why)
    if n >= LEAST:
        return Verdict("PASS", "common_cause", found.g, H, n, why)
    failed = [bucket.counts for bucket in evidence.candidate.since(since_s)]
    errors = sum(counts.errors for counts in failed)
    broken = sum(counts.count("transport_error") for counts in failed)
    if errors and errors == broken:
        why = f"stable had {n} requests, and all {errors} errors are broken connections"
        return Verdict("FAIL", "common_cause", float(broken), float(errors), n, why)
    return Verdict("INCONCLUSIVE", "common_cause", found.g, H, n, why)
