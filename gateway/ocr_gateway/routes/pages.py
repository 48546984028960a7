"""The web pages: `GET /`, `/rollout`, `/review`, and what they load from `/pages/`.

All files are read once, when the first is asked for; a path that is no key of that table is not
there, so no path ever reaches the file system.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from ocr_gateway.problems import Problem

router = APIRouter(include_in_schema=False)

FOLDER: Final = Path(__file__).parents[1] / "pages"
TYPES: Final[Mapping[str, str]] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
# Nothing inline, nothing from another host; pictures also from the page's own memory.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    # A browser may keep it, and asks each time whether it is still that (304).
    "Cache-Control": "no-cache",
}


@dataclasses.dataclass(frozen=True)
class PageFile:
    """tag: an ETag, of the content alone, so it is the same in every worker and on every host."""

    content: bytes
    media_type: str
    tag: str


@functools.cache
def files() -> Mapping[str, PageFile]:
    """By path below the folder, with `/`. Files of other types are not served."""
    return {
        path.relative_to(FOLDER).as_posix(): _file(path.read_bytes(), TYPES[path.suffix])
        for path in FOLDER.rglob("*")
        if path.suffix in TYPES
    }


def _file(content: bytes, media_type: str) -> PageFile:
    return PageFile(content, media_type, f'"{hashlib.sha256(content).hexdigest()[:24]}"')


def _answer(name: str, request: Request) -> Response:
    found = files().get(name)
    if found is None:
        raise Problem(404, "not-found", "there is no such file")
    headers = {**HEADERS, "ETag": found.tag}
    known = {tag.strip().removeprefix("W/") for tag in _asked_for(request).split(",")}
    if known & {found.tag, "*"}:
        return Response(status_code=304, headers=headers)
    return Response(found.content, media_type=found.media_type, headers=headers)


def _asked_for(request: Request) -> str:
    return request.headers.get("if-none-match", "")


@router.api_route("/", methods=["GET", "HEAD"])
async def read_page(request: Request) -> Response:
    return _answer("read.html", request)


@router.api_route("/rollout", methods=["GET", "HEAD"])
async def rollout_page(request: Request) -> Response:
    return _answer("rollout.html", request)


@router.api_route("/review", methods=["GET", "HEAD"])
async def review_page(request: Request) -> Response:
    return _answer("review.html", request)


@router.api_route("/pages/{name:path}", methods=["GET", "HEAD"])
async def page_file(name: str, request: Request) -> Response:
    return _answer(name, request)
