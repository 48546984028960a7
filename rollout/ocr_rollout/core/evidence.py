"""What the judge and the controller look at: the counts of one epoch.

`watched_s` is the dwell clock. Every ten seconds (`MARK_S`) each process marks the epoch as watched, a
mark counts once however many set it, and the marks are counted. So a clock that jumps a day ahead
is worth one mark, one that goes back nothing, and time in which no process ran, and nobody could
have noticed anything, is no time in the phase.
"""

from __future__ import annotations

import dataclasses
from typing import Final

from .counts import Counts, Pairs
from .reviews import Reviews
from .windows import Series

MARK_S: Final = 10  # one mark stands for so many seconds


def watched_s(marks: int) -> float:
    """The least time that an unbroken row of marks took, in seconds.

    Of its first and its last slot of `MARK_S` only a moment may have been watched.
    """
    return float(MARK_S * max(0, marks - 2))


@dataclasses.dataclass(frozen=True, slots=True)
class Evidence:
    """The series of one epoch (see `windows`), as of `now_s`.

    stable, candidate: first attempts for users. shadow: the candidate's attempts off the response
    path. pairs: images that both arms read.
    reviews: what people found, in the whole rollout.
    watched_s: seconds of this epoch that somebody watched.
    """

    stable: Series[Counts] = Series(Counts())  # noqa: RUF009  # immutable
    candidate: Series[Counts] = Series(Counts())  # noqa: RUF009  # immutable
    shadow: Series[Counts] = Series(Counts())  # noqa: RUF009  # immutable
    pairs: Series[Pairs] = Series(Pairs())  # noqa: RUF009  # immutable
    watched_s: float = 0.0
    reviews: Reviews = Reviews()  # noqa: RUF009  # immutable

    @property
    def attempts(self) -> Counts:
        """All of the candidate's: a shadow attempt says as much about it as a user's does."""
        return self.candidate.total + self.shadow.total

    def errors(self) -> tuple[tuple[int, int, int], ...]:
        """(start in seconds, requests, errors) of all its attempts by bucket, oldest first."""
        return merged_faults(error_buckets(self.candidate), error_buckets(self.shadow))


def error_buckets(series: Series[Counts]) -> tuple[tuple[int, int, int], ...]:
    """(start in seconds, requests, errors), oldest first."""
    return tuple((b.start_s, b.counts.requests, b.counts.errors) for b in series.buckets)


def merged_faults(
    one: tuple[tuple[int, int, int], ...], other: tuple[tuple[int, int, int], ...]
) -> tuple[tuple[int, int, int], ...]:
    """Both, by time; what starts at the same time is one."""
    if not other:
        return one
    found = {start: (n, s) for start, n, s in one}
    for start, n, s in other:
        before = found.get(start, (0, 0))
        found[start] = (before[0] + n, before[1] + s)
    return tuple((start, *found[start]) for start in sorted(found))
