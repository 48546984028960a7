"""A request to read -> the image's bytes and what was said about it.

multipart/form-data  field `image`, and `user_id`, `arm` where wanted
image/*, application/octet-stream  the image itself
application/json  {"image": "<base64>", "user_id": ..., "arm": ..., "line": ...,
                     "upright": ...}

`X-User-Id`, `?arm=`, `?line=` and `?upright=` go with each of them.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import dataclasses
import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Final

import anyio.to_thread
from starlette.requests import Request

from ocr_rollout.core.routing import Arm, RoutingError

from .forms import Form, read_form
from .problems import Problem

MAX_USER_ID: Final = 256
MAX_ARM: Final = 100
MAX_VERSION: Final = 10**18 - 1  # Triton's are of 64 bits
_KEYS: Final = ("image", "user_id", "arm", "line", "upright")
_SWITCHES: Final = ("line", "upright")
_LINE: Final = {"true": True, "false": False}
_RAW: Final = ("image/", "application/octet-stream")
_SMALL: Final = 64 * 1024  # more JSON than that is not parsed in the event loop
_ACCEPTED: Final = "multipart/form-data, image/*, application/octet-stream or application/json"


@dataclasses.dataclass(frozen=True)
class Upload:
    """images: the bytes of each, in their order; at least one, none of them empty.

    line: whether each is one line of text, or a page; None: it decides by itself. upright: no page
    is turned.
    """

    images: tuple[bytes, ...]
    user_id: str | None
    arm: Arm | None
    line: bool | None = None
    upright: bool = False


async def read_upload(request: Request) -> Upload:
    """One image. Raises Problem 400, 415 or 422."""
    kind = media_type(request)
    if kind == "multipart/form-data":
        return of_form(await read_form(request, files=1, of="one image; use /ocr/batch"), request)
    if kind == "application/json":
        body = await request.body()
        if len(body) <= _SMALL:
            return of_json(body, request)
        return await anyio.to_thread.run_sync(of_json, body, request)
    if kind.startswith(_RAW):
        return _upload((await request.body(),), request)
    raise unsupported(kind, _ACCEPTED)


async def read_batch(request: Request, most: int) -> Upload:
    """Several images. Raises Problem 400, 415 or 422."""
    kind = media_type(request)
    if kind != "multipart/form-data":
        raise unsupported(kind, "multipart/form-data with several parts called image")
    return of_form(await read_form(request, files=most, of=f"{most} images"), request)


def media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def unsupported(kind: str, accepted: str) -> Problem:
    said = "a body without Content-Type" if not kind else "this Content-Type"
    return Problem(415, "unsupported-media-type", f"{said} is not taken; send {accepted}")


def of_form(form: Form, request: Request) -> Upload:
    unknown = set(form.fields) - set(_KEYS)
    if "image" in form.fields:
        raise Problem(422, "no-image", "image is a field without a file; with curl: -F image=@FILE")
    if unknown:
        raise Problem(422, "invalid", f"unknown field; there are: {', '.join(_KEYS)}")
    return _upload(form.files, request, *map(form.fields.get, _KEYS[1:]))


def of_json(body: bytes, request: Request) -> Upload:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise Problem(400, "bad-json", "the body is not JSON") from None
    if not isinstance(document, Mapping) or set(document) - set(_KEYS):
        raise Problem(422, "invalid", f"not an object with the keys {', '.join(_KEYS)}")
    said = []
    for key in _SWITCHES:
        value = document.get(key)
        if value is not None and not isinstance(value, bool):
            raise Problem(422, "invalid", f"{key}: true, false or null")
        said.append(None if value is None else json.dumps(value))
    for key in _KEYS[: -len(_SWITCHES)]:
        if not isinstance(document.get(key, ""), str) and document[key] is not None:
            raise Problem(422, "invalid", f"{key}: not a text")
    image = _decoded(document.get("image") or "")
    return _upload((image,), request, document.get("user_id"), document.get("arm"), *said)


def _decoded(text: str) -> bytes:
    """base64, also as a data: URL. Line breaks are left out."""
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Problem(422, "no-image", _not_base64(text)) from None


def _not_base64(text: str) -> str:
    if re.match(r"[a-z][a-z0-9+.-]*://", text, re.IGNORECASE):
        return "image: an address, and none is fetched; send the image itself, in base64"
    return "image: not base64"


def _upload(
    images: tuple[bytes, ...],
    request: Request,
    user_id: str | None = None,
    arm: str | None = None,
    line: str | None = None,
    upright: str | None = None,
) -> Upload:
    if not images or not all(images):
        raise Problem(422, "no-image", "the image is empty" if images else "no image was sent")
    user = user_of(request, user_id)
    named = _one("arm", arm, request.query_params.get("arm"))
    wanted = _switch("line", line, request)
    turned = _switch("upright", upright, request)
    return Upload(
        images, user, None if named is None else arm_of(named), wanted, upright=bool(turned)
    )


def _switch(name: str, given: str | None, request: Request) -> bool | None:
    """Raises Problem 422."""
    said = _one(name, given, request.query_params.get(name))
    if said is not None and said not in _LINE:
        raise Problem(422, "invalid", f"{name}: true, false, or nothing")
    return None if said is None else _LINE[said]


def arm_of(text: str) -> Arm:
    """Raises Problem 422."""
    with contextlib.suppress(RoutingError):
        arm = Arm.parse(text)
        if len(text) <= MAX_ARM and arm.version <= MAX_VERSION:
            return arm
    raise Problem(422, "bad-arm", "not an arm; write MODEL:VERSION, e.g. crnn:1")


def user_of(request: Request, given: str | None) -> str | None:
    """given: in the body; `X-User-Id` does as well. None where nothing is said.

    Raises Problem 422.
    """
    return _user_id(_one("user id", given, _header(request, "x-user-id")))


def _user_id(text: str | None) -> str | None:
    if not text:
        return None
    if len(text) > MAX_USER_ID:
        raise Problem(422, "bad-user-id", f"the user id is longer than {MAX_USER_ID} characters")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in text):
        raise Problem(422, "bad-user-id", "the user id holds control characters")
    return text


def _header(request: Request, name: str) -> str | None:
    """So that a user is the same one in a header as in a form: as UTF-8, where it is that."""
    found = request.headers.get(name)
    if found is None:
        return None
    try:
        return found.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return found


def _one(what: str, given: str | None, beside: str | None) -> str | None:
    """Raises Problem 422 where it was said twice, and differently."""
    if given and beside and given != beside:
        raise Problem(422, "invalid", f"the {what} is given twice, and differently")
    return given or beside or None
