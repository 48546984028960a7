"""Rows of documents: samples for reviewers with what they said, and the audit log."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ocr_rollout.core.routing import BUCKETS
from ocr_rollout.core.texts import plain
from ocr_rollout.stores import Recorded, Sample, Store
from ocr_rollout.stores.samples import KINDS

from .tables import TABLES, Row

_ALL: Final = 1_000_000  # more than any `review.keep`
_PAGE: Final = 1_000
_AS_THEY_ARE: Final = tuple(column.name for column in TABLES["reviews"].columns)


def history(store: Store) -> list[Recorded]:
    """All of it, the oldest first. Raises StorageError."""
    found: list[Recorded] = []
    while page := store.history(after=found[-1].sequence if found else 0, limit=_PAGE):
        found += page
    return found


def audit(of: Sequence[Recorded], *, since_s: float) -> Iterator[Row]:
    """What this version cannot read has no cells but its place."""
    for recorded in of:
        found = recorded.entry.document
        at_s = found.get("at_s", 0.0)
        if at_s < since_s:
            continue
        sides: dict[str, Any] = {}
        for side in ("from", "to"):
            phase, weight = found.get(f"{side}_phase"), found.get(f"{side}_weight_bp")
            sides[f"{side}_phase"] = None if phase is None else phase + 1
            sides[f"{side}_weight"] = None if weight is None else weight / BUCKETS
        yield {
            **{column.name: found.get(column.name) for column in TABLES["audit"].columns},
            **sides,
            "sequence": recorded.sequence,
            "id": recorded.entry.id,
            "at": at_s,
            "rollout": found.get("rollout_id"),
        }


def reviews(store: Store, *, since_s: float, now_s: float) -> Iterator[Row]:
    """By kind, the oldest first; since: put aside or reviewed. Raises StorageError."""
    for kind in KINDS:
        for sample in reversed(store.samples(-math.inf, math.inf, _ALL, kind=kind)):
            row = _review(sample)
            if sample.expires_s <= now_s:  # the store has only not got round to it
                continue
            if max(sample.at_s, row["reviewed_at"] or -math.inf) >= since_s:
                yield row


def _review(sample: Sample) -> dict[str, Any]:
    document, review = sample.document, sample.review or {}
    origin = document.get("origin")
    origin = origin if isinstance(origin, Mapping) else document  # feedback has none
    status, text = review.get("status", "open"), document.get("text")
    truth = review.get("text") or None if status == "said" else review.get("truth")
    right = review.get("right")
    if status == "done" and sample.kind == "line" and isinstance(text, str):
        right = plain(text) == plain(str(truth))
    return {
        **{name: document.get(name) for name in _AS_THEY_ARE},
        **{name: origin.get(name) for name in ("rollout", "epoch", "phase", "request_id")},
        **{name: origin.get(name) for name in ("bucket", "user")},
        "id": sample.id,
        "kind": sample.kind,
        "at": sample.at_s,
        "expires": sample.expires_s,
        "status": status,
        "reviewer": review.get("by"),
        "reviewed_at": review.get("at_s"),
        "truth": truth,
        "line_kind": review.get("kind"),
        "right": right,
    }
