"""What the judge and the controller look at: the counts of one epoch.

`watched_s` is the dwell clock. Each minute (`MARK_S`) every process marks the epoch as watched, a
mark counts once a minute however many set it, and the marks are counted. So a clock that jumps a
day ahead is worth one minute, one that goes back nothing, and time in which no process ran, and
nobody could have noticed anything, is no time in the phase.
"""

from __future__ import annotations

import dataclasses
from typing import Final

from .counts import Counts, Pairs
from .windows import Series

MARK_S: Final = 60  # one mark stands for so many seconds


@dataclasses.dataclass(frozen=True, slots=True)
class Evidence:
    """The series of one epoch (see `windows`), as of `now_s`.

    stable, candidate: first attempts for users. shadow: the candidate's attempts off the response
    path. pairs: images that both arms read.
    watched_s: seconds of this epoch that somebody watched.
    """

    stable: Series[Counts] = Series(Counts())  # noqa: RUF009  # immutable
    candidate: Series[Counts] = Series(Counts())  # noqa: RUF009  # immutable
    shadow: Series[Counts] = Series(Counts())  # noqa: RUF009  # immutable
    pairs: Series[Pairs] = Series(Pairs())  # noqa: RUF009  # immutable
    watched_s: float = 0.0

    def attempts(self) -> Series[Counts]:
        """All of the candidate's: a shadow attempt says as much about it as a user's does."""
        return self.candidate.merged(self.shadow) if self.shadow.buckets else self.candidate
