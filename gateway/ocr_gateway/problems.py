"""Errors as problem details (RFC 9457), `application/problem+json`, with `success: false`."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

MEDIA_TYPE: Final = "application/problem+json"
_PREFIX: Final = "urn:ocr-rollout:problem:"


class Problem(HTTPException):
    """What a request gets instead of an answer. Raise it anywhere below the app.

    kind: last part of the `type` URI, e.g. `bad-image`; stable, for programs.
    detail: one line for people: what happened and what to do. It goes to the caller, so it names
        no address and no file of ours.
    """

    def __init__(
        self, status: int, kind: str, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.status = status
        self.kind = kind

    @property
    def title(self) -> str:
        return HTTPStatus(self.status).phrase

    def response(self, request_id: str) -> JSONResponse:
        return JSONResponse(
            self.document(request_id),
            status_code=self.status,
            headers=self.headers,
            media_type=MEDIA_TYPE,
        )

    def document(self, request_id: str) -> dict[str, Any]:
        return {
            "type": f"{_PREFIX}{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "success": False,
            "request_id": request_id,
        }


class ProblemDocument(BaseModel):
    """RFC 9457 problem details."""

    type: str = Field(description="URI of the kind of problem; stable, for programs.")
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="For people: what happened and what to do.")
    success: bool = Field(description="Always false.")
    request_id: str = Field(description="As in X-Request-Id.")


def overloaded(detail: str, retry_after_s: int) -> Problem:
    return Problem(503, "overloaded", detail, {"Retry-After": str(retry_after_s)})


def documented(**kinds: tuple[int, str]) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route: kind (with _ for -) -> status and an example's detail.

    @router.post("/x", responses=documented(bad_image=(422, "the image is empty")))
    """
    found: dict[int | str, dict[str, Any]] = {}
    for name, (status, detail) in kinds.items():
        kind = name.replace("_", "-")
        entry = found.setdefault(
            status,
            {
                "description": HTTPStatus(status).phrase,
                "content": {
                    MEDIA_TYPE: {
                        "schema": {"$ref": "#/components/schemas/ProblemDocument"},
                        "examples": {},
                    }
                },
            },
        )
        example = Problem(status, kind, detail).document("b1c8b2a4f0d94a3c8a5d0e6f7a8b9c0d")
        entry["content"][MEDIA_TYPE]["examples"][kind] = {"value": example}
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            seconds = {"type": "integer", "minimum": 1}
            entry["headers"] = {"Retry-After": {"description": "Seconds.", "schema": seconds}}
    return found


def of_http(error: HTTPException) -> Problem:
    """The framework's own: 404, 405, and what else it may raise."""
    if isinstance(error, Problem):
        return error
    if error.status_code == HTTPStatus.BAD_REQUEST:  # what FastAPI makes of bytes that are no text
        return Problem(422, "invalid", "the body is not JSON")
    phrase = HTTPStatus(error.status_code).phrase
    detail = {
        404: "there is nothing at this address; GET /openapi.json lists what there is",
        405: "this address does not take this method; Allow says which ones it does",
    }.get(error.status_code, str(error.detail))
    return Problem(error.status_code, phrase.lower().replace(" ", "-"), detail, error.headers)


def of_validation(error: RequestValidationError) -> Problem:
    """The first thing that is wrong, without the value: it may be what nobody should read."""
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return Problem(422, "invalid", "the body is not JSON")
    place = ".".join(str(part) for part in first["loc"] if part != "body")
    said = str(first["msg"]).removeprefix("Value error, ")  # what our own checks raise
    detail = " ".join(f"{place}: {said}".split()) if place else said
    return Problem(422, "invalid", detail)


def install(app: FastAPI) -> None:
    """Every error of the app becomes a problem; `frame` sees to exceptions that nobody expected."""

    async def http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        return answered(request, of_http(error))

    async def validation(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return answered(request, of_validation(error))

    def answered(request: Request, problem: Problem) -> JSONResponse:
        request.state.facts["problem"] = problem.kind  # for the log and the figures
        return problem.response(request.state.request_id)

    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, validation)
