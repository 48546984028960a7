"""The book-keeping of one client process: what became of every request, and what was recorded.

Plain records that travel as JSON; nothing here does I/O or looks at a clock.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable
from typing import Any, Final

KEPT: Final = 12  # of each process, of each kind of trouble: its words
GRACE_MS: Final = 100.0  # beyond the deadline

# Reasons with which the assigned arm itself answered; a rescue means that its answer was a bad one.
ANSWERED_ITSELF: Final = frozenset({"stable_range", "candidate_range", "candidate_out", "rescued"})


@dataclasses.dataclass
class Ledger:
    """begun, answered, failed: requests. open: begun, and neither; after the end: lost.

    twice: endings of a request that had ended. strange: answers that say another request's name.
    wrong_text, wrong_arm: answers that are another image's or arm's; words: of the first few.
    late: endings later than the deadline and `GRACE_MS`. starved: the same, but of a process that had
        no processor meanwhile: a thread that only sleeps was not woken either. over_ms: the most.
    by: answers by "ARM reason". errors: by class. forced: answers of an arm that was asked by name.
    recorded: outcomes handed to the rollout, by "EPOCH/SERIES outcome"; uncounted: those handed
        over while another rollout than this process's stood in the store, by outcome.
    unsent, dropped, repeats: as the client's own health says. store_errors: how often it began to
        have one. generations: the highest seen.
    stalled_ms: how late a thread was woken at most that did nothing but sleep.
    configured: the marks of the configurations used, in order. refused: reloads that were refused.
    """

    begun: int = 0
    answered: int = 0
    failed: int = 0
    open: int = 0
    twice: int = 0
    strange: int = 0
    wrong_text: int = 0
    wrong_arm: int = 0
    late: int = 0
    starved: int = 0
    over_ms: float = 0.0
    error_over_ms: float = 0.0
    slowest_ms: float = 0.0
    unclear: int = 0
    by: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    errors: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    forced: int = 0
    recorded: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    uncounted: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    unsent: int = 0
    dropped: int = 0
    repeats: int = 0
    store_errors: int = 0
    generation: int = 0
    stalled_ms: float = 0.0
    configured: list[int] = dataclasses.field(default_factory=list)
    refused: int = 0
    words: list[str] = dataclasses.field(default_factory=list)

    @property
    def answered_itself(self) -> int:
        """Answers of the arm that a request was assigned to; each is one recorded outcome."""
        return sum(n for key, n in self.by.items() if key.split()[1] in ANSWERED_ITSELF)

    @property
    def recorded_answers(self) -> int:
        """Recorded outcomes that are answers, counted or not."""
        kinds = ("ok", "empty", "garbled")
        counted = sum(n for key, n in self.recorded.items() if key.split()[1] in kinds)
        return counted + sum(self.uncounted[kind] for kind in kinds)

    def say(self, words: str) -> None:
        if len(self.words) < KEPT:
            self.words.append(words)

    def to_dict(self) -> dict[str, Any]:
        """Plain values; `of` reads them back."""
        return {
            key: dict(value) if isinstance(value, collections.Counter) else value
            for key, value in vars(self).items()
        }

    @classmethod
    def of(cls, document: dict[str, Any]) -> Ledger:
        counters = {
            field.name
            for field in dataclasses.fields(cls)
            if field.default_factory is collections.Counter
        }
        values: dict[str, Any] = {
            key: collections.Counter(value) if key in counters else value
            for key, value in document.items()
        }
        return cls(**values)

    @classmethod
    def sum(cls, ledgers: Iterable[Ledger]) -> Ledger:
        """All processes together; of what is a highest, the highest."""
        whole = cls()
        for ledger in ledgers:
            for field in dataclasses.fields(cls):
                here, there = getattr(whole, field.name), getattr(ledger, field.name)
                if field.name.endswith("_ms") or field.name == "generation":
                    setattr(whole, field.name, max(here, there))
                elif isinstance(here, collections.Counter):
                    here.update(there)
                else:
                    setattr(whole, field.name, here + there)
        return whole
