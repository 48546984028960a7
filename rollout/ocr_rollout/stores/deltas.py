"""What is added to counts; part of `protocol`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence


@dataclasses.dataclass(frozen=True)
class CountDelta:
    """Whole numbers to add to one time bucket of one series.

    series: what is counted, e.g. `12/candidate/10`; printable ASCII without blanks, as are the
        counts' names. Sums do not depend on the order of adding, because all are whole.
    start_s: start of the time bucket.
    expires_s: from then on `prune` may take the bucket away.
    """

    series: str
    start_s: int
    counts: Mapping[str, int]
    expires_s: int


@dataclasses.dataclass(frozen=True)
class KeyedDelta:
    """Deltas that count only if nobody has counted this bucket key in this window yet.

    scope: whose window, e.g. `12/candidate`. window_s: its start. window_expires_s: from then on
        `prune` may forget which keys it has seen.
    bucket: the route key's bucket 0..9999; so a window costs at most 1,250 bytes.
    """

    scope: str
    window_s: int
    window_expires_s: int
    bucket: int
    deltas: Sequence[CountDelta]
