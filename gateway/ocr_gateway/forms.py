"""A form with files, kept in memory: bodies are bounded, and a file on disk would be slower."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from .problems import Problem

MAX_FIELDS: Final = 8
MAX_FIELD_BYTES: Final = 4 * 1024
IMAGE: Final = "image"


@dataclasses.dataclass(frozen=True)
class Form:
    """files: those called `image`, in their order. fields: all others, the last one of a name."""

    files: tuple[bytes, ...]
    fields: Mapping[str, str]


class _InMemory(MultiPartParser):
    spool_max_size = 2**31  # the request's own limit comes first


async def read_form(request: Request, *, files: int, of: str) -> Form:
    """Raises Problem 400 where it is none, 422 where there is too much in it.

    files: at most so many; `of` says so in words.
    """
    parser = _InMemory(
        request.headers,
        request.stream(),
        max_files=files,
        max_fields=MAX_FIELDS,
        max_part_size=MAX_FIELD_BYTES,
    )
    try:
        parsed = await parser.parse()
    except MultiPartException as error:
        raise _problem(error.message, of) from None
    found: list[bytes] = []
    fields: dict[str, str] = {}
    for name, value in parsed.multi_items():
        if not isinstance(value, UploadFile):
            fields[name] = value
        elif name == IMAGE:
            found.append(value.file.read())
        else:
            raise Problem(422, "no-image", f"a file that is not called {IMAGE}")
    return Form(tuple(found), fields)


def _problem(reason: str, of: str) -> Problem:
    if reason.startswith("Too many files"):
        return Problem(422, "too-many-images", f"at most {of}")
    if reason.startswith("Too many fields"):
        return Problem(422, "invalid", f"at most {MAX_FIELDS} fields")
    if reason.startswith("Part exceeded"):
        return Problem(
            422, "invalid", f"a field above {MAX_FIELD_BYTES:,} bytes; files need a file name"
        )
    return Problem(400, "bad-form", f"not a form that can be read: {reason}")
