"""Reviews (`core.reviews`) as counts of a store: one row for each role of a rollout.

| series in the store | start | what |
|---|---|---|
| `reviews/ROLLOUT/DIGEST/stable`, `.../candidate` | 0 | answers that people checked |
| `reviews/ROLLOUT/DIGEST/disputes` | 0 | images that both arms read differently |
| `reviews/ROLLOUT/DIGEST/feedback` | 0 | what users said without being asked |

They go over all phases: what people found of some weights stays true when their share is raised.
Other weights (digest), or another rollout, begin anew.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final, Literal

from ocr_rollout.core.reviews import Disputes, Lines, Reviews, Said, Tally, from_record, to_record
from ocr_rollout.core.state import RolloutState
from ocr_rollout.stores.deltas import CountDelta
from ocr_rollout.stores.protocol import CountRow, CountStore, Span

Role = Literal["stable", "candidate", "disputes", "feedback"]
ROLES: Final[tuple[Role, ...]] = ("stable", "candidate", "disputes", "feedback")
KEPT_S: Final = 180 * 86_400  # after the last review


def reviews_of(state: RolloutState, rollout_id: str) -> str:
    """Where a rollout's reviews are counted. rollout_id: of the plan, where nothing was started."""
    name = state.rollout_id or rollout_id
    return f"reviews/{name}/{state.digest[:16] or '-'}"


def review_deltas(
    where: str, role: Role, kind: str, tally: Tally, *, at_s: float, back: bool = False
) -> tuple[CountDelta, ...]:
    """What counts one review, or, with `back`, takes it back."""
    record = to_record(kind, tally, back=back)
    if not record:
        return ()
    return (CountDelta(f"{where}/{role}", 0, record, math.ceil(at_s) + KEPT_S),)


def review_spans(where: str) -> tuple[Span, ...]:
    return tuple(Span(f"{where}/{role}", 0, 1) for role in ROLES)


def reviews_in(rows: Iterable[CountRow], where: str) -> Reviews:
    """Raises RecordError when a newer version counted something unknown."""
    found = {row.series.removeprefix(f"{where}/"): row.counts for row in rows}
    return Reviews(
        from_record(Lines, found.get("stable", {})),
        from_record(Lines, found.get("candidate", {})),
        from_record(Disputes, found.get("disputes", {})),
        from_record(Said, found.get("feedback", {})),
    )


def read_reviews(store: CountStore, where: str) -> Reviews:
    """Raises StorageError or RecordError."""
    return reviews_in(store.counts(*review_spans(where)), where)
