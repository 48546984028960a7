"""Review by hand, of the rollout that a configuration names."""

from __future__ import annotations

import datetime as dt
import math
import re
import time
from collections.abc import Callable

from ocr_client.reviews.desk import ReviewDesk
from ocr_client.reviews.feedback import FeedbackBox
from ocr_rollout.core.state import AuditEntry
from ocr_rollout.stores import LogEntry

from .refused import RefusedError
from .setting import Setting
from .words import moment

_ZULU = re.compile(r"[Zz]$")


def desk_of(there: Setting, clock: Callable[[], float] = time.time) -> ReviewDesk:
    return ReviewDesk(there.to_read(), there.plan.rollout_id, there.config.review, clock)


def feedback_box(there: Setting, clock: Callable[[], float] = time.time) -> FeedbackBox:
    return FeedbackBox(there.store, there.plan.rollout_id, there.config.review, clock)


def delete(  # what is deleted, and by whom
    there: Setting,
    *,
    by: str,
    before_s: float = math.inf,
    user: str | None = None,
    every: bool = False,
    clock: Callable[[], float] = time.time,
) -> int:
    """How many samples and feedbacks went; the audit log says who did it, and names no user.

    Raises RefusedError, StorageError or StateError.
    """
    if not by.strip():
        raise RefusedError("who does it? Give a name: --by NAME")
    gone = desk_of(there, clock).delete(before_s=before_s, user=user, every=every)
    parts = [f"{gone} samples for review"]
    if before_s < math.inf:
        parts.append(f"from before {moment(before_s)}")
    if user is not None:
        parts.append("of one user")
    state = there.state()
    entry = AuditEntry(
        at_s=clock(),
        who=by,
        action="delete-samples",
        why=" ".join(parts),
        generation=state.generation,
        rollout_id=state.rollout_id,
        candidate=state.candidate,
        from_status=state.status,
        to_status=state.status,
        from_phase=state.phase,
        to_phase=state.phase,
        from_weight_bp=state.weight_bp,
        to_weight_bp=state.weight_bp,
    )
    there.to_read().record(LogEntry(entry.to_dict()))
    return gone


def parsed_date(text: str) -> float:
    """`2026-05-04`, or with a time; without a zone this machine's. Raises ValueError in words."""
    try:
        # Python 3.10 knows no Z.
        return dt.datetime.fromisoformat(_ZULU.sub("+00:00", text)).timestamp()
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text!r:.40} is not a date; write 2026-05-04 or 2026-05-04T18:00:00+08:00"
        ) from None
