"""A request, from its route to its answer, over what a session has."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ocr_rollout.core.routing import Arm

from .deadline import Deadline
from .fallback import Answer, Attempt, answer
from .pages.asked import deadlines_s, read_by
from .request import Request
from .rescue import complaint
from .results import Reading
from .session import Session, Snapshot

log = logging.getLogger("ocr_client")

NOTHING = Reading("", 0.0, ())


def answered(
    session: Session,
    snapshot: Snapshot,
    request: Request,
    *,
    started_s: float,
    clock: Callable[[], float],
) -> Answer:
    """Raises OCRError.

    started_s: when the call came, on `clock`, a monotonic one in seconds. A page without lines
    is answered without asking anybody, and nothing is counted for any arm.
    """
    page, config, view = request.sheet.page, snapshot.config, request.view
    if page is not None and not page.lines:
        return Answer(NOTHING, request.assignment.arm)
    session.connections.use(snapshot.transport)

    def read(arm: Arm, deadline: Deadline, *, last_resort: bool) -> Reading:
        return read_by(
            arm,
            request,
            snapshot.reader,
            config.pages,
            snapshot.finder,
            deadline=deadline,
            last_resort=last_resort,
        )

    def attempted(attempt: Attempt) -> None:
        session.attempted(snapshot, request, attempt)

    deadline_s, candidate_deadline_s = deadlines_s(request, config)
    found = answer(
        request.assignment,
        view.table.stable,
        read,
        deadline=Deadline(started_s + deadline_s, clock),
        candidate_deadline_s=candidate_deadline_s,
        examine=session.norms.learn,
        attempted=attempted,
        rescue=session.rescue(config),
    )
    if found.rescue is not None:
        session.metrics.count("ocr_client_rescues_total", result=found.rescue)
    _tell(request, found)
    return found


def _tell(request: Request, found: Answer) -> None:
    arm = request.assignment.arm
    if found.fault is not None:
        log.warning(
            "request %s: %s failed, %s answered instead: %s: %s",
            request.request_id,
            arm,
            found.arm,
            type(found.fault).__name__,
            found.fault,
        )
    elif found.rescued is not None:  # often a blank image, so no warning
        why = complaint(arm, found.rescued)
        log.info("request %s: %s; %s answered", request.request_id, why, found.arm)
