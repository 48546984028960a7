"""`/openapi.json`: what FastAPI finds in the routes, with our problems in place of its errors."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from . import reading_api
from .problems import ProblemDocument, documented
from .settings import ServiceSettings

DESCRIPTION: Final = """Images of text in, text out. Every error is a problem document (RFC 9457)
with `success: false`; every answer bears the request's id in `X-Request-Id`, the caller's own where
it sends one."""

_FRAMEWORKS_OWN: Final = ("HTTPValidationError", "ValidationError")
_INVALID: Final = documented(invalid=(422, "limit: Input should be less than or equal to 100"))


def install(app: FastAPI, settings: ServiceSettings) -> None:
    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
            )
            reading_api.limited(found, settings)
            app.openapi_schema = _with_problems(found)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # as FastAPI's manual has it


def _with_problems(found: dict[str, Any]) -> dict[str, Any]:
    schemas = found.setdefault("components", {}).setdefault("schemas", {})
    for name in _FRAMEWORKS_OWN:
        schemas.pop(name, None)
    schemas["ProblemDocument"] = ProblemDocument.model_json_schema()
    for path in found["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                if _is_frameworks(response):
                    operation["responses"][status] = _INVALID[422]
    return found


def _is_frameworks(response: dict[str, Any]) -> bool:
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    return str(schema.get("$ref", "")).endswith(_FRAMEWORKS_OWN)
