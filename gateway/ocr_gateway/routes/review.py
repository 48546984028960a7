"""`/api/review`: the queue of samples, what reviewers say, and the worst disagreements.

What a reviewer is given says nothing of the arm that answered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, TypeVar
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, WithJsonSchema

from ocr_client.operations import reviewing
from ocr_client.operations.setting import Setting
from ocr_client.reviews.accuracy import accuracy
from ocr_client.reviews.desk import LONGEST_TEXT
from ocr_client.reviews.pictures import media_type
from ocr_client.reviews.samples import SampleError
from ocr_gateway.lines import TEXT, WHOLE, Name, described
from ocr_gateway.problems import Problem, documented
from ocr_gateway.roles import NOT_ALLOWED, may_order, may_read
from ocr_gateway.service import Service, service_of
from ocr_rollout.runtime.evidence import read_evidence
from ocr_rollout.stores import Sample

from .rollout import TROUBLES, no_store

IMAGES: Final = "/api/review/image?sample_id="
SAID: Final = TROUBLES | documented(refused=(409, "sample 4f0d is being looked at by ann"))
T = TypeVar("T")

router = APIRouter(prefix="/api", tags=["review"], dependencies=[Depends(no_store)])
TheService = Annotated[Service, Depends(service_of)]
_MOMENT: Final = {
    "anyOf": [
        {"type": "string", "format": "date"},
        {"type": "string", "format": "date-time"},
        {"type": "null"},
    ],
    "examples": ["2026-05-04"],
}
SampleId = Annotated[str, Field(min_length=1, max_length=200)]
Kind = Annotated[str | None, Field(max_length=30, description="What the line is.")]


class Reviewer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    by: Name = Field(description="Who reviews.")


class Skip(Reviewer):
    sample_id: SampleId


class Correction(Reviewer):
    sample_id: SampleId
    text: Annotated[
        str, Field(max_length=LONGEST_TEXT, description="As it should be."), described(TEXT)
    ]
    kind: Kind = None


class Confirmation(Reviewer):
    sample_id: SampleId
    which: Annotated[
        int,
        Field(strict=True, ge=0, le=1, description="Which recognised text is right; 0: the first."),
        WHOLE,
    ]
    kind: Kind = None


class SomeSamples(Reviewer):
    """Those that are both, where both are said."""

    before: Annotated[
        str | None,
        Field(max_length=40),
        WithJsonSchema(_MOMENT),
    ] = None
    user: Annotated[str | None, Field(max_length=64, description="A user's hash.")] = None


class AllSamples(Reviewer):
    every: Literal[True]


def _verdicts(document: Any) -> str | None:
    given = {"text", "which"} & set(document) if isinstance(document, dict) else set()
    return given.pop() if len(given) == 1 else None


def _deletions(document: Any) -> str | None:
    keys = set(document) if isinstance(document, dict) else set()
    if "every" not in keys:
        return "some"
    return None if keys & {"before", "user"} else "every"


Verdict = Annotated[
    Annotated[Correction, Tag("text")] | Annotated[Confirmation, Tag("which")],
    Discriminator(
        _verdicts,
        custom_error_type="either",
        custom_error_message="give text or which, not both",
    ),
]
Deletion = Annotated[
    Annotated[SomeSamples, Tag("some")] | Annotated[AllSamples, Tag("every")],
    Discriminator(
        _deletions,
        custom_error_type="either",
        custom_error_message="every goes with nothing else",
    ),
]


@router.get(
    "/review",
    summary="What is waiting, and what was found",
    dependencies=[may_read],
    responses=TROUBLES,
)
async def overview(service: TheService, by: Name = "anybody") -> dict[str, Any]:
    """accuracy: of each arm and kind, with intervals of 95 %."""

    def work(there: Setting) -> dict[str, Any]:
        plan, store = there.plan, there.to_read()
        evidence = read_evidence(store, there.state(), 0.0, rollout_id=plan.rollout_id)
        return {
            "waiting": reviewing.desk_of(there).waiting(by),
            "kinds": list(there.config.review.kinds),
            "images_kept": there.config.review.keep_images,
            "accuracy": accuracy(evidence.reviews, evidence.pairs.total).to_dict(),
        }

    return {"success": True, **await _asked(service, work)}


@router.post("/review/next", summary="The next sample", dependencies=[may_read], responses=SAID)
async def next_task(service: TheService, reviewer: Reviewer) -> dict[str, Any]:
    """Theirs alone for ten minutes; `task` is null where none is left.

    A task has one text, or two of which at most one is right, in an order that means nothing.
    """

    def work(there: Setting) -> dict[str, Any]:
        desk = reviewing.desk_of(there)
        task = desk.next(reviewer.by)
        if task is None:
            return {"task": None, "waiting": 0}
        image = _address(task.sample_id) if desk.image(task.sample_id) else None
        return {"task": {**task.to_dict(), "image": image}, "waiting": desk.waiting(reviewer.by)}

    return {"success": True, **await _ordered(service, work)}


@router.post("/review/verdict", summary="What a line says", dependencies=[may_read], responses=SAID)
async def verdict(service: TheService, said: Verdict) -> dict[str, Any]:
    """Confirms a recognised text (`which`) or corrects it (`text`). The last word counts."""

    def work(there: Setting) -> None:
        desk = reviewing.desk_of(there)
        if isinstance(said, Correction):
            desk.review(said.sample_id, said.text, by=said.by, kind=said.kind)
        else:
            desk.confirm(said.sample_id, which=said.which, by=said.by, kind=said.kind)

    await _ordered(service, work)
    return {"success": True}


@router.post("/review/skip", summary="Leave it to others", dependencies=[may_read], responses=SAID)
async def skip(service: TheService, said: Skip) -> dict[str, Any]:
    await _ordered(service, lambda there: reviewing.desk_of(there).skip(said.sample_id, by=said.by))
    return {"success": True}


@router.get(
    "/review/image",
    summary="A sample's picture",
    dependencies=[may_read],
    response_class=Response,
    responses={
        200: {"content": {"image/png": {}, "image/jpeg": {}}},
        **documented(no_image=(404, "no image was kept of this sample")),
        **TROUBLES,
    },
)
async def image(
    service: TheService, sample_id: Annotated[str, Query(min_length=1, max_length=200)]
) -> Response:
    content = await _asked(service, lambda there: reviewing.desk_of(there).image(sample_id))
    if content is None:
        raise Problem(404, "no-image", "no image was kept of this sample, or it was deleted")
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type=media_type(content), headers=headers)


@router.get(
    "/rollout/disagreements",
    summary="Where the arms' texts differ most",
    dependencies=[may_read],
    responses=TROUBLES,
)
async def disagreements(
    service: TheService, limit: Annotated[int, Query(ge=1, le=100)] = 12
) -> dict[str, Any]:
    """Of the images that both arms read (`shadow`, `review.disputes`), the worst first."""

    def work(there: Setting) -> dict[str, Any]:
        desk = reviewing.desk_of(there)
        found = [
            {
                "sample_id": sample.id,
                "at_s": sample.at_s,
                "distance": pair.distance,
                "edits": pair.edits,
                "stable": {"arm": pair.stable_arm, "text": pair.stable_text},
                "candidate": {"arm": pair.candidate_arm, "text": pair.candidate_text},
                "truth": _truth(sample),
                "image": _address(sample.id) if desk.image(sample.id) else None,
            }
            for sample, pair in desk.disagreements(limit)
        ]
        return {"items": found, "images_kept": there.config.review.keep_images}

    return {"success": True, **await _asked(service, work)}


@router.post(
    "/review/delete",
    summary="Delete samples for good",
    dependencies=[may_order],
    responses=documented(not_allowed=(403, NOT_ALLOWED)) | SAID,
)
async def delete(service: TheService, order: Deletion) -> dict[str, Any]:
    """With images, reviews and feedback. before and user together: what is both."""
    gone = await _ordered(
        service, lambda there: reviewing.delete(there, by=order.by, **_limits(order))
    )
    return {"success": True, "deleted": gone}


def _limits(order: SomeSamples | AllSamples) -> dict[str, Any]:
    """Raises Problem."""
    if isinstance(order, AllSamples):
        return {"every": True}
    if order.before is None:
        return {"user": order.user}
    try:
        return {"user": order.user, "before_s": reviewing.parsed_date(order.before)}
    except ValueError as error:
        raise Problem(422, "invalid", f"before: {error}") from None


async def _asked(service: Service, work: Callable[[Setting], T]) -> T:
    """Raises Problem."""
    return await service.desk.read(_readable(work))


async def _ordered(service: Service, work: Callable[[Setting], T]) -> T:
    """Raises Problem."""
    return await service.desk.order(_readable(work))


def _readable(work: Callable[[Setting], T]) -> Callable[[Setting], T]:
    def guarded(there: Setting) -> T:
        try:
            return work(there)
        except SampleError as error:
            raise Problem(503, "unreadable", str(error), {"Retry-After": "2"}) from None

    return guarded


def _address(sample_id: str) -> str:
    return f"{IMAGES}{quote(sample_id, safe='')}"


def _truth(sample: Sample) -> str | None:
    review = sample.review
    return review.get("truth") if review and review.get("status") == "done" else None
