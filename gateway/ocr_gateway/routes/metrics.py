"""`GET /metrics`: for Prometheus. No token: there are no texts and no user ids in it."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from ocr_gateway.exporter import MEDIA_TYPE
from ocr_gateway.service import Service, service_of

router = APIRouter(tags=["health"])

EXAMPLE = "# TYPE ocr_service_reading gauge\nocr_service_reading 0.0\n"


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={
        200: {
            "description": "Of all workers of this service, in Prometheus' text format.",
            "content": {"text/plain": {"schema": {"type": "string"}, "example": EXAMPLE}},
        }
    },
)
async def metrics(service: Annotated[Service, Depends(service_of)]) -> Response:
    """Asks Triton whether stable answers, as `/readyz` does; so 2 s at most."""
    reason = await service.readiness.reason()
    text = await asyncio.to_thread(service.exporter.text, ready=reason is None)
    return Response(text, media_type=MEDIA_TYPE)
