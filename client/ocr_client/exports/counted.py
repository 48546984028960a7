"""Rows of counts: attempts and pairs by time, over all epochs that the audit log knows of."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal

from ocr_rollout.core.counts import EDGES_MS, Counts, Pairs, quantile_ms
from ocr_rollout.core.outcomes import OUTCOMES
from ocr_rollout.core.routing import BUCKETS
from ocr_rollout.core.state import AuditEntry, RolloutState, StateError
from ocr_rollout.core.windows import CANDIDATE, PAIRS, SHADOW, STABLE, WIDTHS_S
from ocr_rollout.stores import CountRow, Recorded, Span, Store

from .tables import Row

# A width of time buckets in seconds, or whole epochs.
Every = int | Literal["epoch"]
EVERY: Final[tuple[Every, ...]] = (*WIDTHS_S, "epoch")
_AT_ONCE: Final = 200  # series in one reading of the store


@dataclasses.dataclass(frozen=True)
class Epoch:
    """number: the generation that began it. until_s: when the next step came; inf: not yet."""

    number: int
    rollout: str
    stable: str
    candidate: str
    phase: int
    weight_bp: int
    began_s: float
    until_s: float

    @property
    def where(self) -> dict[str, Any]:
        return {
            "rollout": self.rollout,
            "epoch": self.number,
            "phase": self.phase + 1,
            "weight": self.weight_bp / BUCKETS,
        }


def epochs(history: Sequence[Recorded], state: RolloutState) -> list[Epoch]:
    """Of all rollouts: each step may have begun one. The log does not say who was stable."""
    steps: dict[int, AuditEntry] = {}
    for recorded in history:
        try:
            entry = AuditEntry.from_dict(recorded.entry.document)
        except StateError:
            continue  # of a newer version
        steps.setdefault(entry.generation, entry)
    found = []
    ordered = sorted(steps.values(), key=lambda entry: entry.generation)
    ends = [*(entry.at_s for entry in ordered[1:]), math.inf]
    for entry, until_s in zip(ordered, ends, strict=False):
        same = (entry.rollout_id, entry.candidate) == (state.rollout_id, state.candidate)
        found.append(
            Epoch(
                entry.generation,
                entry.rollout_id,
                state.stable if same else "",
                entry.candidate,
                entry.to_phase,
                entry.to_weight_bp,
                entry.at_s,
                until_s,
            )
        )
    return found


def outcomes(
    store: Store, of: Sequence[Epoch], *, every: Every, since_s: float, now_s: float
) -> Iterator[Row]:
    """Raises StorageError or RecordError."""
    for epoch, name, row in _read(store, of, (STABLE, CANDIDATE, SHADOW), every, since_s):
        counts = Counts.from_record(row.counts)
        yield {
            **epoch.where,
            "role": name,
            "arm": epoch.stable if name == STABLE else epoch.candidate,
            **_when(epoch, row, every, now_s),
            "requests": counts.requests,
            "errors": counts.errors,
            "quality_faults": counts.quality_faults,
            **{outcome: counts.count(outcome) for outcome in OUTCOMES},
            "timed": counts.timed,
            **{f"latency_p{q}_ms": _quantile_ms(counts, q / 100) for q in (50, 95, 99)},
        }


def pairs(
    store: Store, of: Sequence[Epoch], *, every: Every, since_s: float, now_s: float
) -> Iterator[Row]:
    """Raises StorageError or RecordError."""
    for epoch, _, row in _read(store, of, (PAIRS,), every, since_s):
        found = Pairs.from_record(row.counts)
        yield {
            **epoch.where,
            **_when(epoch, row, every, now_s),
            "pairs": found.pairs,
            "both_fine": found.both_fine,
            "equal": found.equal,
            "candidate_bad": found.candidate_only,
            "stable_bad": found.stable_only,
            "both_bad": found.both_bad,
            "distance_sum": found.distance_milli / 1_000,
        }


def _read(
    store: Store, of: Sequence[Epoch], names: Sequence[str], every: Every, since_s: float
) -> Iterator[tuple[Epoch, str, CountRow]]:
    """By epoch, series and time; what holds the time `since_s` itself is in it."""
    by_number = {epoch.number: epoch for epoch in of}
    spans = []
    for epoch in of:
        if every == "epoch":
            wanted = epoch.until_s > since_s
            spans += [Span(f"{epoch.number}/{name}/total", 0, 1) for name in names if wanted]
        else:
            begin_s = max(0.0, since_s - every + 1)
            spans += [Span(f"{epoch.number}/{name}/{every}", begin_s, math.inf) for name in names]
    for start in range(0, len(spans), _AT_ONCE):
        for row in store.counts(*spans[start : start + _AT_ONCE]):
            number, name, _ = row.series.split("/")
            yield by_number[int(number)], name, row


def _when(epoch: Epoch, row: CountRow, every: Every, now_s: float) -> dict[str, Any]:
    if every == "epoch":
        return {"start": epoch.began_s, "seconds": None, "complete": epoch.until_s < math.inf}
    return {
        "start": float(row.start_s),
        "seconds": every,
        "complete": row.start_s + every <= now_s,
    }


def _quantile_ms(counts: Counts, q: float) -> float | None:
    """Beyond the last bin only its lower edge is known."""
    found = quantile_ms(counts.latencies, q)
    return None if found is None else round(min(found, EDGES_MS[-1]), 3)
