"""`GET /api/events`: the rollout as it changes, as server-sent events."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header

from ocr_gateway.event_stream import EventStream
from ocr_gateway.problems import documented
from ocr_gateway.roles import REFUSALS, may_read
from ocr_gateway.service import Service, service_of

router = APIRouter(prefix="/api", tags=["rollout"])


@router.get(
    "/events",
    summary="Status and curves as they change",
    dependencies=[may_read],
    status_code=200,
    response_class=EventStream,
    responses=REFUSALS
    | documented(too_many_listeners=(503, "64 are listening already; ask GET /api/rollout")),
)
async def events(
    service: Annotated[Service, Depends(service_of)],
    last_event_id: Annotated[str | None, Header()] = None,
) -> EventStream:
    """`status` and `series` bear what GET /api/rollout and /api/rollout/series answer, `trouble`
    a problem document. Who is slow gets the newest of each, never all. A browser's EventSource
    cannot send the token: read it with `fetch`.
    """
    service.listeners.refuse_when_full()
    return EventStream(service.listeners, last_event_id, service.stopping)
