"""Who looks at a sample now, and what was said of it: the review documents of a store. Pure.

| status | by whom | is offered to |
|---|---|---|
| (none) | nobody yet | everybody |
| `claimed` | a reviewer, until a time | that reviewer; from then on everybody |
| `skipped` | reviewers who could not tell | the others, until `MOST_SKIPS` have skipped |
| `done` | a reviewer | nobody; somebody may still correct it |
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ocr_client.comparison import LONGEST
from ocr_rollout.core.reviews import Disputes, Lines, to_record
from ocr_rollout.core.texts import edit_distance, plain
from ocr_rollout.stores import CountDelta, Sample
from ocr_rollout.stores.review_series import KEPT_S, Role

from .samples import DisagreementSample, Line

CLAIM_S: Final = 600.0  # for one line; then somebody else may have it
MOST_SKIPS: Final = 3
Review = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Task:
    """A sample as a reviewer sees it: nothing tells which arm it was.

    kind: `line` with one text, or `pair` with two, in an order that means nothing.
    has_image: whether there is one to look at. until_s: whose it is till then, Unix time.
    """

    sample_id: str
    kind: str
    texts: tuple[str, ...]
    at_s: float
    until_s: float

    def to_dict(self) -> dict[str, Any]:
        return {**dataclasses.asdict(self), "texts": list(self.texts)}


def open_to(sample: Sample, by: str, now_s: float) -> bool:
    """Whether a reviewer may have it now."""
    review = sample.review
    if review is None:
        return True
    if review.get("status") == "claimed":
        return review.get("by") == by or holder(sample, now_s) is None
    skipped = review.get("skipped", ())
    return review.get("status") == "skipped" and by not in skipped and len(skipped) < MOST_SKIPS


def holder(sample: Sample, now_s: float) -> str | None:
    """Who is looking at it."""
    review = sample.review
    if review is None or review.get("status") != "claimed" or review.get("until_s", 0) <= now_s:
        return None
    return str(review.get("by"))


def claimed(sample: Sample, by: str, now_s: float) -> Review:
    return {
        "status": "claimed",
        "by": by,
        "until_s": now_s + CLAIM_S,
        "skipped": _skipped(sample),
    }


def skipped(sample: Sample, by: str) -> Review:
    return {"status": "skipped", "skipped": sorted({*_skipped(sample), by})}


def reviewed_line(line: Line, truth: str, kind: str, by: str, now_s: float) -> Review:
    """truth: the text as it should be."""
    wanted = plain(truth)
    tally = Lines.of(edit_distance(plain(line.text)[:LONGEST], wanted), len(wanted))
    return _done(line.role, kind, to_record(kind, tally), truth, by, now_s)


def reviewed_pair(pair: DisagreementSample, truth: str, kind: str, by: str, now_s: float) -> Review:
    wanted = plain(truth)
    tally = Disputes.of(
        candidate_right=plain(pair.candidate_text) == wanted,
        stable_right=plain(pair.stable_text) == wanted,
    )
    return _done("disputes", kind, to_record(kind, tally), truth, by, now_s)


def deltas(where: str, before: Review | None, after: Review, now_s: float) -> Sequence[CountDelta]:
    """What a review adds to the counts, and the one that it replaces takes back."""
    found = []
    for review, sign in ((before, "-"), (after, "")):
        counted = None if review is None else review.get("counted")
        if counted:
            record = {f"{sign}{name}": n for name, n in counted["record"].items()}
            expires_s = int(now_s) + KEPT_S
            found.append(CountDelta(f"{where}/{counted['role']}", 0, record, expires_s))
    return tuple(found)


def shuffled(sample_id: str) -> str:
    """A place in the queue that depends on nothing but the id."""
    return hashlib.md5(f"queue {sample_id}".encode(), usedforsecurity=False).hexdigest()


def texts_of(document: Line | DisagreementSample, sample_id: str) -> tuple[str, ...]:
    """Of a pair the candidate's is as often the first as the second."""
    if isinstance(document, Line):
        return (document.text,)
    both = document.stable_text, document.candidate_text
    return both if int(shuffled(sample_id), 16) % 2 else both[::-1]


def _done(  # what a review is made of
    role: Role, kind: str, record: Mapping[str, int], truth: str, by: str, now_s: float
) -> Review:
    return {
        "status": "done",
        "by": by,
        "at_s": now_s,
        "truth": truth,
        "kind": kind,
        "counted": {"role": role, "record": dict(record)},
    }


def _skipped(sample: Sample) -> list[str]:
    return list((sample.review or {}).get("skipped", ()))
