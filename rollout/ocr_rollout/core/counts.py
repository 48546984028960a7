"""What is counted: one arm's outcomes and latencies, and pairs of texts of one image.

Both are immutable, add up in any order, take the same memory however much they count, and have a
flat form (`to_record`: field -> count) that a store can add field by field.
"""

from __future__ import annotations

import bisect
import dataclasses
import math
from collections.abc import Mapping
from operator import add, itemgetter
from typing import Final

from .outcomes import ERRORS, NEVER, OUTCOMES, QUALITY_FAULTS, TIMED, Outcome

# Upper edges in milliseconds: 1 ms, then eight bins an octave up to 65.5 s, then what is slower.
# A quantile is known to a factor of 2 ** (1/8) (9.1 %), with 130 numbers and no sample kept.
BINS_PER_OCTAVE: Final = 8
EDGES_MS: Final[tuple[float, ...]] = tuple(2 ** (k / BINS_PER_OCTAVE) for k in range(129))
LATENCY_BINS: Final = len(EDGES_MS) + 1

_POSITION: Final[Mapping[Outcome, int]] = {name: k for k, name in enumerate(OUTCOMES)}
_ANSWERS: Final = itemgetter(
    *(_POSITION[name] for name in OUTCOMES if name not in ERRORS and name not in NEVER)
)
_ERRORS: Final = itemgetter(*(_POSITION[name] for name in OUTCOMES if name in ERRORS))
_QUALITY: Final = itemgetter(*(_POSITION[name] for name in OUTCOMES if name in QUALITY_FAULTS))
_REQUESTS: Final = itemgetter(*(_POSITION[name] for name in OUTCOMES if name not in NEVER))
_TIMED: Final = itemgetter(*(_POSITION[name] for name in OUTCOMES if name in TIMED))
_NO_OUTCOMES: Final = (0,) * len(OUTCOMES)
_NO_LATENCIES: Final = (0,) * LATENCY_BINS
_LATENCY_FIELD: Final = "ms:"


class RecordError(ValueError):
    """A stored record that this version cannot read. One line: the field and what is accepted."""


@dataclasses.dataclass(frozen=True, slots=True)
class Counts:
    """One arm's attempts in some stretch of time.

    outcomes: by the order of OUTCOMES.
    latencies: by bin; bin k holds what took up to EDGES_MS[k], the last one the rest.
    """

    outcomes: tuple[int, ...] = _NO_OUTCOMES
    latencies: tuple[int, ...] = _NO_LATENCIES

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            tuple(map(add, self.outcomes, other.outcomes)),
            tuple(map(add, self.latencies, other.latencies)),
        )

    @classmethod
    def of(cls, outcome: Outcome, latency_ms: float = 0.0, times: int = 1) -> Counts:
        """`times` attempts that went alike."""
        tally = Tally()
        tally.record(outcome, latency_ms, times)
        return tally.take()

    def count(self, outcome: Outcome) -> int:
        return self.outcomes[_POSITION[outcome]]

    @property
    def requests(self) -> int:
        """Attempts that say something about the arm: all but draining and client faults."""
        return sum(_REQUESTS(self.outcomes))

    @property
    def errors(self) -> int:
        return sum(_ERRORS(self.outcomes))

    @property
    def quality_faults(self) -> int:
        """Empty and garbled answers."""
        return sum(_QUALITY(self.outcomes))

    @property
    def answers(self) -> int:
        """Attempts that ended in an answer, good or bad: what quality is a share of."""
        return sum(_ANSWERS(self.outcomes))

    @property
    def timed(self) -> int:
        """Attempts whose latency is counted."""
        return sum(_TIMED(self.outcomes))

    def to_record(self) -> dict[str, int]:
        """Field -> count without the zeros: `ok`, ... for outcomes, `ms:K` for bin K."""
        record = {str(name): n for name, n in zip(OUTCOMES, self.outcomes, strict=True) if n}
        record |= {f"{_LATENCY_FIELD}{k}": n for k, n in enumerate(self.latencies) if n}
        return record

    @classmethod
    def from_record(cls, record: Mapping[str, int]) -> Counts:
        """Raises RecordError on an unknown field or a count that is none."""
        outcomes, latencies = list(_NO_OUTCOMES), list(_NO_LATENCIES)
        for field, n in record.items():
            _check_count(field, n)
            k = field.removeprefix(_LATENCY_FIELD)
            if field in OUTCOMES:
                outcomes[_POSITION[field]] = n
            elif k != field and k.isascii() and k.isdigit() and int(k) < LATENCY_BINS:
                latencies[int(k)] = n
            else:
                raise RecordError(f"{field!r} is no count of this version; a newer one wrote it?")
        return cls(tuple(outcomes), tuple(latencies))


@dataclasses.dataclass(frozen=True, slots=True)
class Pairs:
    """Images that both arms read: which of them answered badly (an error, empty, garbled).

    candidate_only: the candidate's answer was bad, stable's was not; and so on.
    equal: of those where both were fine, how many texts were the same.
    distance_milli: sum of the normalised edit distances of those, in thousandths.
    """

    both_fine: int = 0
    candidate_only: int = 0
    stable_only: int = 0
    both_bad: int = 0
    equal: int = 0
    distance_milli: int = 0

    def __add__(self, other: Pairs) -> Pairs:
        return Pairs(*map(add, dataclasses.astuple(self), dataclasses.astuple(other)))

    @property
    def pairs(self) -> int:
        return self.both_fine + self.candidate_only + self.stable_only + self.both_bad

    def to_record(self) -> dict[str, int]:
        """Field -> count without the zeros."""
        return {name: n for name, n in dataclasses.asdict(self).items() if n}

    @classmethod
    def from_record(cls, record: Mapping[str, int]) -> Pairs:
        """Raises RecordError on an unknown field or a count that is none."""
        known = {field.name for field in dataclasses.fields(cls)}
        for field, n in record.items():
            _check_count(field, n)
            if field not in known:
                raise RecordError(f"{field!r} is no count of this version; a newer one wrote it?")
        return cls(**record)


class Tally:
    """One arm's counts while they are being made: 1 microsecond a request, no allocation.

    Not thread-safe: whoever shares it holds a lock around `record` and around `take`.
    """

    __slots__ = ("_latencies", "_outcomes")

    def __init__(self) -> None:
        self._outcomes = list(_NO_OUTCOMES)
        self._latencies = list(_NO_LATENCIES)

    def record(self, outcome: Outcome, latency_ms: float, times: int = 1) -> None:
        """latency_ms: from sending the attempt to its end; a negative one counts as 0."""
        self._outcomes[_POSITION[outcome]] += times
        if outcome in TIMED:
            self._latencies[latency_bin(latency_ms)] += times

    def take(self) -> Counts:
        """What was recorded since the last take."""
        counts = Counts(tuple(self._outcomes), tuple(self._latencies))
        self._outcomes[:] = _NO_OUTCOMES
        self._latencies[:] = _NO_LATENCIES
        return counts


def latency_bin(latency_ms: float) -> int:
    """Bin 0..129 of a latency in milliseconds; what is not a number is called slow."""
    if math.isnan(latency_ms):
        return LATENCY_BINS - 1
    return bisect.bisect_left(EDGES_MS, latency_ms)


def quantile_ms(latencies: tuple[int, ...], q: float) -> float | None:
    """The upper edge of the bin that holds quantile q: never below it, at most 9.1 % above.

    (Below 1 ms it says 1 ms, above 65.5 s infinity.) None without any sample.
    """
    total = sum(latencies)
    if not total:
        return None
    rank, seen = max(1, math.ceil(q * total)), 0
    for edge, n in zip((*EDGES_MS, math.inf), latencies, strict=True):
        seen += n
        if seen >= rank:
            return edge
    return math.inf


def slower_than(latencies: tuple[int, ...], limit_ms: float) -> int:
    """How many surely took longer than the limit: what shares a bin with it is not counted."""
    return sum(latencies[latency_bin(limit_ms) + 1 :])


def _check_count(field: str, n: object) -> None:
    if type(n) is not int or n < 0:
        raise RecordError(f"{field}: {n!r} is not a count; accepted: a whole number from 0")
