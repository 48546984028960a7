"""What a place's store holds in the end: its counts by epoch and outcome, and who was taken back."""

from __future__ import annotations

import collections
import dataclasses
import time
from typing import Final

from benchmarks.rollout_site import Site

from ocr_rollout.core.counts import Counts
from ocr_rollout.core.outcomes import OUTCOMES
from ocr_rollout.core.state import AuditEntry
from ocr_rollout.core.windows import CANDIDATE, STABLE
from ocr_rollout.stores import Span, StoreError

PAGE: Final = 1_000
PATIENCE_S: Final = 20.0


@dataclasses.dataclass(frozen=True)
class Kept:
    """counts: by "EPOCH/SERIES outcome". history: the audit log, the oldest entry first."""

    counts: collections.Counter[str]
    history: list[AuditEntry]


def read(site: Site, epochs: int) -> Kept:
    """epochs: the highest. Raises StoreError where the store stays away."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return _read(site, epochs)
        except StoreError:  # noqa: PERF203  # seldom
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def _read(site: Site, epochs: int) -> Kept:
    counts: collections.Counter[str] = collections.Counter()
    history: list[AuditEntry] = []
    with site.store() as store:
        for epoch in range(epochs + 1):
            for series in (STABLE, CANDIDATE):
                for row in store.counts(Span(f"{epoch}/{series}/total", 0, 1)):
                    found = Counts.from_record(row.counts)
                    for outcome in OUTCOMES:
                        counts[f"{epoch}/{series} {outcome}"] += found.count(outcome)
        after = 0
        while page := store.history(after, PAGE):
            history += [AuditEntry.from_dict(one.entry.document) for one in page]
            after = page[-1].sequence
    return Kept(+counts, history)
