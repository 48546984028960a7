"""`/api/rollout`: what is known of the rollout, and what people order."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from ocr_client.operations import orders
from ocr_client.operations.curves import HOUR_S, LONGEST_S, curves
from ocr_client.operations.facts import gather
from ocr_client.operations.server_facts import ask, facts
from ocr_client.operations.setting import Setting
from ocr_gateway.lines import Count, Line, Name, Reason
from ocr_gateway.problems import documented
from ocr_gateway.roles import NOT_ALLOWED, REFUSALS, may_order, may_read, reader_role
from ocr_gateway.service import Service, service_of
from ocr_gateway.tokens import Role
from ocr_rollout.core.routing import basis_points
from ocr_rollout.core.transition import Transition

NO_ROLLOUT: Final = (
    "config.yaml: no rollout is configured; add a section to it, e.g. 'rollout: {id: crnn-1}'"
)
TROUBLES: Final = REFUSALS | documented(
    no_rollout=(404, NO_ROLLOUT),
    store=(503, "the rollout's store did not answer within 5 s"),
)
REFUSED: Final = (
    documented(
        stale=(
            409,
            "nothing was done: since you looked it went to running, phase 2, 30 %; look again",
        ),
        refused=(409, "nothing waits for an approval: the rollout is running"),
        not_allowed=(403, NOT_ALLOWED),
    )
    | TROUBLES
)


async def no_store(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"


router = APIRouter(prefix="/api", tags=["rollout"], dependencies=[Depends(no_store)])
TheService = Annotated[Service, Depends(service_of)]


Share = Annotated[
    float,
    Field(
        strict=True,
        ge=0,
        le=1,
        examples=[0.2],
        description="The candidate's share, 0..1 in steps of 0.0001.",
        json_schema_extra={"multipleOf": 0.0001},
    ),
    AfterValidator(basis_points),
]
Seen = Annotated[Count, Field(description="`generation` of the status that the person looked at.")]


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid")

    by: Name = Field(description="Who does it, for the audit log.")


class Approval(_Order):
    expect_generation: Seen
    note: Line = ""
    server_check: bool = Field(
        True, strict=True, description="Whether Triton is asked for both arms first."
    )


class Resumption(_Order):
    expect_generation: Seen
    reason: Line = ""


class Pause(_Order):
    reason: Line = ""
    expect_generation: Seen | None = None


class Rollback(_Order):
    reason: Reason
    expect_generation: Seen | None = None


class NewWeight(_Order):
    weight: Share
    expect_generation: Seen
    note: Line = ""
    server_check: bool = Field(
        True, strict=True, description="Whether Triton is asked for both arms first."
    )


@router.get("/whoami", summary="Whose token it is", responses=REFUSALS)
async def whoami(role: Annotated[Role, Depends(reader_role)]) -> dict[str, Any]:
    return {"success": True, "role": role}


@router.get(
    "/rollout", summary="Where the rollout stands", dependencies=[may_read], responses=TROUBLES
)
async def status(service: TheService) -> dict[str, Any]:
    """As `ocrctl rollout status --json`: phase, share, both arms, the judge, what is missing."""

    def look(there: Setting) -> dict[str, Any]:
        server = facts((ask(there.config.triton, time.monotonic()),))
        return gather(there, server, time.time()).to_dict()

    return {"success": True, **await service.desk.read(look)}


@router.get(
    "/rollout/series", summary="Curves of both arms", dependencies=[may_read], responses=TROUBLES
)
async def series(
    service: TheService, over_s: Annotated[float, Query(ge=60, le=LONGEST_S)] = HOUR_S
) -> dict[str, Any]:
    """Columns with one value for each time bucket, over all phases of the rollout."""
    found = await service.desk.read(lambda there: curves(there, time.time(), over_s))
    return {"success": True, **found.to_dict()}


@router.get(
    "/rollout/history", summary="Who did what and why", dependencies=[may_read], responses=TROUBLES
)
async def history(
    service: TheService,
    after: Annotated[int | None, Query(ge=0, le=2**53)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> dict[str, Any]:
    """Oldest first: from the entry after number `after` on; without it the last `limit` ones."""
    begin = -limit if after is None else after
    found = await service.desk.read(lambda there: there.to_read().history(begin, limit))
    return {
        "success": True,
        "entries": [
            {**one.entry.document, "sequence": one.sequence, "id": one.entry.id} for one in found
        ],
        "next": found[-1].sequence if found else after or 0,
    }


@router.post(
    "/rollout/approve",
    summary="Through the gate",
    dependencies=[may_order],
    responses=REFUSED,
)
async def approve(service: TheService, order: Approval) -> dict[str, Any]:
    return await _carried_out(
        service,
        lambda there, tell: orders.approve(
            there,
            by=order.by,
            note=order.note,
            check=order.server_check,
            tell=tell,
            seen=order.expect_generation,
        ),
    )


@router.post(
    "/rollout/set-weight",
    summary="Another share in the same phase",
    dependencies=[may_order],
    responses=REFUSED,
)
async def set_weight(service: TheService, order: NewWeight) -> dict[str, Any]:
    return await _carried_out(
        service,
        lambda there, tell: orders.set_weight(
            there,
            weight_bp=int(order.weight),
            by=order.by,
            note=order.note,
            check=order.server_check,
            tell=tell,
            seen=order.expect_generation,
        ),
    )


@router.post(
    "/rollout/pause", summary="Keep the share", dependencies=[may_order], responses=REFUSED
)
async def pause(service: TheService, order: Pause) -> dict[str, Any]:
    return await _carried_out(
        service,
        lambda there, _: orders.pause(
            there, by=order.by, reason=order.reason, seen=order.expect_generation
        ),
    )


@router.post("/rollout/resume", summary="Go on", dependencies=[may_order], responses=REFUSED)
async def resume(service: TheService, order: Resumption) -> dict[str, Any]:
    return await _carried_out(
        service,
        lambda there, _: orders.resume(
            there, by=order.by, reason=order.reason, seen=order.expect_generation
        ),
    )


@router.post(
    "/rollout/rollback",
    summary="Take the candidate back to 0 at once",
    dependencies=[may_order],
    responses=REFUSED,
)
async def rollback(service: TheService, order: Rollback) -> dict[str, Any]:
    return await _carried_out(
        service,
        lambda there, _: orders.rollback(
            there, by=order.by, reason=order.reason, seen=order.expect_generation
        ),
    )


async def _carried_out(
    service: Service, order: Callable[[Setting, orders.Tell], Transition]
) -> dict[str, Any]:
    warnings: list[str] = []
    done = await service.desk.order(lambda there: order(there, warnings.append))
    return {
        "success": True,
        "audit": done.audit.to_dict(),
        "state": done.state.to_dict(),
        "warnings": warnings,
    }
