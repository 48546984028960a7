"""`POST /feedback`: a user says whether an answer was right. No token: users have none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

import anyio
import anyio.to_thread
from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from starlette.requests import Request

from ocr_client.operations.refused import RefusedError
from ocr_client.reviews.feedback import LONGEST_ID, Answered
from ocr_gateway.desk import as_problems, lost
from ocr_gateway.lines import LINE, TEXT, described
from ocr_gateway.problems import Problem, documented
from ocr_gateway.reading_api import USER_ID
from ocr_gateway.service import Service, service_of
from ocr_gateway.uploads import MAX_ARM, user_of

WITHIN_S: Final = 5.0
AT_A_TIME: Final = 2  # threads
WAITING: Final = 32  # a store that hangs gathers no more
LONGEST: Final = 4_000

router = APIRouter(tags=["reading"])


class Feedback(BaseModel):
    """Of one request the last word counts."""

    model_config = ConfigDict(extra="forbid")

    request_id: Annotated[
        str,
        Field(
            min_length=1,
            max_length=LONGEST_ID,
            description="As the answer said it.",
            examples=["b1c8b2a4f0d94a3c8a5d0e6f7a8b9c0d"],
        ),
        described(LINE),
    ]
    right: Annotated[bool, Field(strict=True)]
    text: Annotated[
        str, Field(max_length=LONGEST, description="As it should be."), described(TEXT)
    ] = ""
    user_id: Annotated[
        str | None,
        Field(description="As with the request; kept as a hash."),
        WithJsonSchema({**USER_ID, "type": ["string", "null"]}),
    ] = None
    arm: Annotated[str, Field(max_length=MAX_ARM, description="As the answer said it.")] = ""
    recognised: Annotated[
        str, Field(max_length=LONGEST, description="The text that was answered.")
    ] = ""


class Thanks(BaseModel):
    success: bool = True


class _Turns:
    """How many are under way in this process; made in its event loop."""

    def __init__(self) -> None:
        self.under_way = 0
        self.threads = anyio.CapacityLimiter(AT_A_TIME)

    @classmethod
    def of(cls, request: Request) -> _Turns:
        state = request.app.state
        if not hasattr(state, "feedback_turns"):
            state.feedback_turns = cls()
        found: _Turns = state.feedback_turns
        return found


@router.post(
    "/feedback",
    summary="Say that an answer was right, or wrong",
    responses=documented(
        bad_feedback=(422, "a text is one line of at most 4000 characters"),
        bad_user_id=(422, "the user id is longer than 256 characters"),
        store=(503, "the store did not answer within 5 s; try again"),
    ),
)
async def feedback(
    said: Feedback, request: Request, service: Annotated[Service, Depends(service_of)]
) -> Thanks:
    """Kept for reviewers, with the image only where the request is one of their samples."""
    user_id = user_of(request, said.user_id)

    def put() -> None:
        service.client.feedback(
            said.request_id,
            right=said.right,
            text=said.text,
            user_id=user_id,
            answered=Answered(said.arm, said.recognised),
        )

    await _run(put, _Turns.of(request))
    return Thanks()


async def _run(put: Callable[[], None], turns: _Turns) -> None:
    """Raises Problem."""
    if turns.under_way >= WAITING:
        raise lost("too many are waiting for the store; try again")
    turns.under_way += 1
    try:
        with anyio.move_on_after(WITHIN_S), as_problems():
            try:
                await anyio.to_thread.run_sync(put, abandon_on_cancel=True, limiter=turns.threads)
            except RefusedError as error:
                raise Problem(422, "bad-feedback", str(error)) from None
            return
    finally:
        turns.under_way -= 1
    raise lost(f"the store did not answer within {WITHIN_S:g} s; try again")
