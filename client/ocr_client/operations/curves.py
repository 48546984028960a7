"""A rollout's counts over time, over all its phases, as columns to be drawn. What decides is pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from ocr_rollout.core.counts import EDGES_MS, Counts, Pairs, quantile_ms
from ocr_rollout.core.limits import Limits
from ocr_rollout.core.state import AuditEntry, RolloutState, StateError
from ocr_rollout.core.windows import WIDTHS_S, Bucket, Series
from ocr_rollout.stores import Recorded, Store
from ocr_rollout.stores.series import EpochCounts, EpochReader

from .setting import Setting

HOUR_S: Final = 3_600.0
LONGEST_S: Final = 7 * 86_400.0  # counts older than a week are not kept by time
EPOCHS: Final = 24  # of a rollout, the newest: each is a reading of the store of its own
ENTRIES: Final = 500  # of the audit log that are looked through for them
POINTS: Final = 180  # of one width, about

C = TypeVar("C", Counts, Pairs)
Column = tuple[float | None, ...]


@dataclasses.dataclass(frozen=True)
class Curves:
    """arms: `stable`, `candidate` and `shadow`. marks: the steps of the rollout in that time."""

    at_s: float
    since_s: float
    generation: int
    rollout: str
    limits: Limits
    arms: Mapping[str, dict[str, Any]]
    agreement: Mapping[str, Column]
    marks: tuple[AuditEntry, ...]

    def to_dict(self) -> dict[str, Any]:
        limits = self.limits
        return {
            "at_s": self.at_s,
            "since_s": self.since_s,
            "generation": self.generation,
            "rollout": self.rollout,
            "limits": {
                "errors": limits.errors,
                "latency_p95_ms": limits.latency_p95_ms,
                "latency_ratio": limits.latency_ratio,
            },
            "arms": dict(self.arms),
            "agreement": dict(self.agreement),
            "marks": [
                {
                    "at_s": entry.at_s,
                    "action": entry.action,
                    "who": entry.who,
                    "status": entry.to_status,
                    "phase": entry.to_phase + 1,
                    "weight_bp": entry.to_weight_bp,
                }
                for entry in self.marks
            ],
        }


class CurveReader:
    """Draws again and again: time buckets that are over are read once a minute. For one thread."""

    def __init__(self) -> None:
        self._store: Store | None = None
        self._readers: dict[int, EpochReader] = {}

    def curves(self, there: Setting, at_s: float, over_s: float) -> Curves:
        """Raises StorageError, StateError or RecordError.

        over_s: how far back, up to a week.
        """
        state, store, plan = there.state(), there.to_read(), there.plan
        steps = steps_of(store.history(after=-ENTRIES, limit=ENTRIES), state)
        since_s = at_s - over_s
        counted = together(self._counted(store, epochs_of(steps, state), at_s), since_s)
        width_s = width_for(at_s - _begin_s(counted, at_s))

        def shown(series: Series[C]) -> tuple[Bucket[C], ...]:
            return coarser(series.buckets, width_s)

        stable, candidate = state.stable or str(plan.stable), state.candidate or str(plan.candidate)
        return Curves(
            at_s=at_s,
            since_s=since_s,
            generation=state.generation,
            rollout=state.rollout_id or plan.rollout_id,
            limits=plan.limits,
            arms={
                "stable": {"arm": stable, **of_arm(shown(counted.stable))},
                "candidate": {"arm": candidate, **of_arm(shown(counted.candidate))},
                "shadow": {"arm": candidate, **of_arm(shown(counted.shadow))},
            },
            agreement=of_pairs(shown(counted.pairs)),
            marks=tuple(entry for entry in steps if entry.at_s >= since_s),
        )

    def _counted(self, store: Store, epochs: Sequence[int], at_s: float) -> list[EpochCounts]:
        kept = self._readers if store is self._store else {}
        self._store = store
        self._readers = {epoch: kept.get(epoch) or EpochReader(store, epoch) for epoch in epochs}
        return [reader.read(at_s) for reader in self._readers.values()]


def curves(there: Setting, at_s: float, over_s: float) -> Curves:
    """One reading. Raises as `CurveReader.curves` does."""
    return CurveReader().curves(there, at_s, over_s)


def steps_of(history: Iterable[Recorded], state: RolloutState) -> tuple[AuditEntry, ...]:
    """What happened to the rollout of a state since it was started, the oldest first."""
    found: list[AuditEntry] = []
    for recorded in history:
        try:
            entry = AuditEntry.from_dict(recorded.entry.document)
        except StateError:
            continue  # the log holds more than steps, and what newer versions wrote
        if entry.action in {"start", "restart"}:
            found.clear()
        if entry.rollout_id == state.rollout_id:
            found.append(entry)
    return tuple(found)


def epochs_of(steps: Sequence[AuditEntry], state: RolloutState) -> tuple[int, ...]:
    """Those that a rollout may have counts in: a step begins one, or nothing is counted in it."""
    return tuple(sorted({state.epoch, *(entry.generation for entry in steps)})[-EPOCHS:])


def together(epochs: Sequence[EpochCounts], since_s: float) -> EpochCounts:
    """One rollout's buckets after a time, of all epochs; they overlap by requests under way.

    Without totals.
    """

    def joined(nothing: C, several: Iterable[Series[C]]) -> Series[C]:
        found = [bucket for series in several for bucket in series.since(since_s)]
        found.sort(key=lambda bucket: (bucket.start_s, -bucket.width_s))
        return Series(nothing, tuple(found))

    return EpochCounts(
        joined(Counts(), (epoch.stable for epoch in epochs)),
        joined(Counts(), (epoch.candidate for epoch in epochs)),
        joined(Counts(), (epoch.shadow for epoch in epochs)),
        joined(Pairs(), (epoch.pairs for epoch in epochs)),
    )


def width_for(span_s: float) -> int:
    """Of buckets, in seconds, so that a span is drawn in not many more than `POINTS`."""
    return next((width for width in WIDTHS_S if span_s <= width * POINTS), WIDTHS_S[-1])


def coarser(buckets: Iterable[Bucket[C]], width_s: int) -> tuple[Bucket[C], ...]:
    """Each at least so wide; those that are wider already stay.

    buckets: by start, of those that start together the widest first. They may overlap.
    """
    found: list[Bucket[C]] = []
    for bucket in buckets:
        width = max(width_s, bucket.width_s)
        start = bucket.start_s - bucket.start_s % width
        last = found[-1] if found else None
        if last is not None and start < last.start_s + last.width_s:
            found[-1] = Bucket(last.start_s, last.width_s, last.counts + bucket.counts)
        else:
            found.append(Bucket(start, width, bucket.counts))
    return tuple(found)


def of_arm(buckets: Sequence[Bucket[Counts]]) -> dict[str, Column]:
    """Latencies: upper edges of bins, at most 9.1 % above; None without a timed attempt."""
    counts = [bucket.counts for bucket in buckets]
    return {
        **_times(buckets),
        "requests": tuple(c.requests for c in counts),
        "errors": tuple(c.errors for c in counts),
        "error_share": tuple(_share(c.errors, c.requests) for c in counts),
        "p50_ms": tuple(_quantile_ms(c, 0.50) for c in counts),
        "p95_ms": tuple(_quantile_ms(c, 0.95) for c in counts),
    }


def of_pairs(buckets: Sequence[Bucket[Pairs]]) -> dict[str, Column]:
    """equal_share, mean_distance: of the pairs that both arms read well; None without any."""
    counts = [bucket.counts for bucket in buckets]
    return {
        **_times(buckets),
        "pairs": tuple(c.pairs for c in counts),
        "both_fine": tuple(c.both_fine for c in counts),
        "equal": tuple(c.equal for c in counts),
        "equal_share": tuple(_share(c.equal, c.both_fine) for c in counts),
        "mean_distance": tuple(_share(c.distance_milli / 1_000, c.both_fine) for c in counts),
    }


def _times(buckets: Sequence[Bucket[C]]) -> dict[str, Column]:
    return {
        "start_s": tuple(bucket.start_s for bucket in buckets),
        "width_s": tuple(bucket.width_s for bucket in buckets),
    }


def _begin_s(counted: EpochCounts, at_s: float) -> float:
    first = (counted.stable, counted.candidate, counted.shadow, counted.pairs)
    return min((series.buckets[0].start_s for series in first if series.buckets), default=at_s)


def _share(of: float, all_of: int) -> float | None:
    """To six places: more than anybody draws, and half the bytes."""
    return round(of / all_of, 6) if all_of else None


def _quantile_ms(counts: Counts, q: float) -> float | None:
    """Beyond the last bin only its lower edge is known; JSON has no infinity."""
    found = quantile_ms(counts.latencies, q)
    return None if found is None else round(min(found, EDGES_MS[-1]), 1)
