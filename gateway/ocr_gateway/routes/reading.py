"""`POST /ocr`: an image in, its text out. `POST /ocr/batch`: several."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import JSONResponse

from ocr_client import OCRError, PageResult
from ocr_gateway import answers, reading_api
from ocr_gateway.faults import problem_of
from ocr_gateway.frame import note
from ocr_gateway.problems import Problem
from ocr_gateway.service import Service, service_of
from ocr_gateway.uploads import Upload, read_batch, read_upload

router = APIRouter(tags=["reading"])
Serving = Annotated[Service, Depends(service_of)]


@router.post("/ocr", summary="Read an image", **reading_api.ONE)
async def read(request: Request, service: Serving) -> JSONResponse:
    """Reads a line or a page of text. Which model does is decided by user and image, and said."""
    service.admission.refuse_if_full()
    upload = await read_upload(request)
    result = await _read(service, request, upload, upload.images[0], request.state.request_id)
    note(request, arm=str(result.arm), reason=result.reason, lines=len(result.lines))
    return JSONResponse(answers.to_json(result))


@router.post("/ocr/batch", summary="Read several images", **reading_api.BATCH)
async def read_many(request: Request, service: Serving) -> JSONResponse:
    """Reads each image as a request of its own: its arm, its turn, its problem."""
    service.admission.refuse_if_full()
    upload = await read_batch(request, service.settings.batch_images)
    request_id = request.state.request_id
    # Half of the turns at most: single images must not wait for all of a batch.
    turns = asyncio.Semaphore(max(1, service.settings.concurrency // 2))

    async def one(number: int, image: bytes) -> PageResult | Problem:
        async with turns:
            try:
                return await _read(service, request, upload, image, f"{request_id}-{number}")
            except Problem as problem:
                return problem

    found = await asyncio.gather(*(one(n, image) for n, image in enumerate(upload.images, 1)))
    problems = [each for each in found if isinstance(each, Problem)]
    note(request, images=len(found), failed=len(problems))
    kinds = {problem.kind for problem in problems}
    if len(problems) == len(found) and len(kinds) == 1 and kinds != {"bad-image"}:
        raise problems[0]  # the same for all, and no image's fault
    results = [
        each.document(f"{request_id}-{number}")
        if isinstance(each, Problem)
        else answers.to_json(each)
        for number, each in enumerate(found, 1)
    ]
    return JSONResponse({"success": not problems, "request_id": request_id, "results": results})


async def _read(
    service: Service, request: Request, upload: Upload, image: bytes, request_id: str
) -> PageResult:
    """Raises Problem."""
    forced = service.forced
    if forced is not None and upload.arm not in {None, forced}:
        raise Problem(404, "unknown-arm", f"this service answers with {forced} only")
    arm = forced or upload.arm

    def job() -> PageResult:
        return service.client.recognize_page(
            image,
            user_id=upload.user_id,
            arm=arm,
            request_id=request_id,
            line=upload.line,
            upright=upload.upright,
        )

    try:
        return await service.admission.run(job, gone=lambda: _gone(request))
    except OCRError as error:
        raise problem_of(error, request_id=request_id, named_arm=upload.arm) from None


async def _gone(request: Request) -> None:
    """Returns when the caller has gone away. Its body has been read before."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
