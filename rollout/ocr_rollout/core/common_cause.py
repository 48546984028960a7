"""Common cause: stable fails too at the same time, so no verdict against the candidate.

Looked at only when a rule trips: stable's CUSUM over the stretch in which the candidate went bad
(from half a minute before it), with a limit of 20 to 1, far lower than the candidate's, because
the question is no longer whether anything is wrong but whom it hits.

A hang is known of the candidate first, for its deadline is the shorter one: when its attempts have
timed out, stable's are still waiting. So where the candidate's errors are timeouts, stable is
well only if it has given an answer within that same time since they began. The time is read off the
timeouts themselves.

At a share near 100 % stable has no traffic in which to fail. Then connections that broke, and
nothing else, are taken for the network's or the server's fault: going back would not help.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Final

from .counts import EDGES_MS, LATENCY_BINS, Counts, latency_bin
from .evidence import Evidence, error_buckets
from .late import cusum
from .verdict import Verdict
from .windows import Series

H: Final = math.log(20)
BEFORE_S: Final = 30
LEAST: Final = 5  # requests of stable that say it is well
# What ends sooner than this was refused by a full queue, and waited for nobody's deadline.
WAITED_MS: Final = 500.0
SECOND_S: Final = 1  # a bucket's width: what ended in it may have ended at its start


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
    silence = _silence(evidence, since_s + BEFORE_S)
    if silence is not None:
        return Verdict("FAIL", "common_cause", 0.0, silence.expected, n, silence.why)
    if n >= LEAST:
        return Verdict("PASS", "common_cause", found.g, H, n, why)
    failed = [bucket.counts for bucket in evidence.candidate.since(since_s)]
    errors = sum(counts.errors for counts in failed)
    broken = sum(counts.count("transport_error") for counts in failed)
    if errors and errors == broken:
        why = f"stable had {n} requests, and all {errors} errors are broken connections"
        return Verdict("FAIL", "common_cause", float(broken), float(errors), n, why)
    return Verdict("INCONCLUSIVE", "common_cause", found.g, H, n, why)


@dataclasses.dataclass(frozen=True, slots=True)
class _Silence:
    """expected: answers of stable that did not come."""

    expected: float
    why: str


def _silence(evidence: Evidence, start_s: float) -> _Silence | None:
    """Stable has not answered within the time after which the candidate's attempts timed out.

    start_s: of the trouble. None: it has, or nothing says that it should have.
    """
    failing = [bucket.counts for bucket in evidence.candidate.since(start_s)]
    errors = sum(counts.errors for counts in failing)
    deadline = _deadline_bin(sum(failing, Counts()))
    if deadline is None or 2 * sum(c.count("timeout") for c in failing) <= errors:
        return None
    deadline_ms = EDGES_MS[deadline - 1]
    # Attempts that timed out in the first second of the trouble began so much earlier.
    hung_s = start_s - deadline_ms / 1e3 + SECOND_S
    buckets = evidence.stable.since(hung_s - BEFORE_S)
    answers = sum(sum(b.counts.latencies[:deadline]) for b in buckets if b.start_s >= hung_s)
    before = sum(b.counts.requests for b in buckets if b.start_s < hung_s)
    seen = (*evidence.candidate.since(start_s), *buckets)
    end_s = max(bucket.start_s + bucket.width_s for bucket in seen)
    first_s = min(
        series.buckets[0].start_s
        for series in (evidence.candidate, evidence.stable)
        if series.buckets
    )
    # Counts that are younger than half a minute, as after a thaw, are of no half minute's traffic.
    counted_s = min(float(BEFORE_S), max(float(SECOND_S), hung_s - first_s))
    expected = before / counted_s * (end_s - hung_s)
    if answers or expected < LEAST:
        return None
    return _Silence(
        expected,
        f"stable has not answered within {deadline_ms / 1e3:.1f} s either since then; "
        f"{expected:.0f} answers were to be expected",
    )


def _deadline_bin(counts: Counts) -> int | None:
    """The bin from which on the slowest attempts lie, as many as there are timeouts."""
    left = counts.count("timeout")
    if not left:
        return None
    least = latency_bin(WAITED_MS)
    for at in range(LATENCY_BINS - 1, least, -1):
        left -= counts.latencies[at]
        if left <= 0:
            return at
    # Fewer waited than are called timeouts: those that did, did so for at least the least.
    return least + 1 if sum(counts.latencies[least + 1 :]) else None
