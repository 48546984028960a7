"""`GET /healthz`: the process answers. `GET /readyz`: stable answers."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from ocr_gateway.problems import Problem, documented
from ocr_gateway.service import Service, service_of

router = APIRouter(tags=["health"])

NOT_READY = "the arm in production does not answer"


class Health(BaseModel):
    """It answers."""

    status: Literal["ok"] = "ok"


@router.get("/healthz", summary="The process answers")
async def healthz() -> Health:
    """Says nothing about Triton: restarting this process would not help."""
    return Health()


@router.get(
    "/readyz",
    summary="The arm in production answers",
    responses=documented(not_ready=(503, NOT_READY)),
)
async def readyz(service: Annotated[Service, Depends(service_of)]) -> Health:
    """Asks Triton for the arm that is stable, at most once a second, for 2 s at most."""
    reason = await service.readiness.reason()
    if service.stopping.is_set():
        reason = "this process is being stopped"
    if reason is not None:
        raise Problem(503, "not-ready", reason, {"Retry-After": "1"})
    return Health()
