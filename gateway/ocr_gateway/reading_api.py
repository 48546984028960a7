"""How `/openapi.json` describes the two addresses that read: bodies, examples, every error."""

from __future__ import annotations

from typing import Any, Final

from .answers import Batch, Read
from .problems import documented
from .settings import ServiceSettings
from .uploads import MAX_ARM, MAX_USER_ID

USER_ID: Final = {
    "type": "string",
    "maxLength": MAX_USER_ID,
    "pattern": "^[^\\x00-\\x1f\\x7f-\\x9f]*$",
    "description": "Part of what decides the arm. No control characters.",
}
_ARM: Final = {
    "type": "string",
    "maxLength": MAX_ARM,
    "pattern": "^([A-Za-z0-9][A-Za-z0-9._-]*:[1-9][0-9]{0,17})?$",
    "description": "MODEL:VERSION: this arm or an error, without fallback. Empty: nothing is said.",
    "format": "arm",
    "example": "crnn:2",
}
_LINE: Final = {
    "type": "string",
    "enum": ["", "true", "false"],
    "description": "true: the image is one line of text; false: a page. Empty: it decides.",
}
_UPRIGHT: Final = {
    "type": "string",
    "enum": ["", "true", "false"],
    "description": "true: the page is not turned, so its other sides are not looked at.",
}
_FILE: Final = {"type": "string", "format": "binary", "description": "An image file."}
_TINY: Final = (
    "iVBORw0KGgoAAAANSUhEUgAAACgAAAAQAQAAAABMrAAAAAAARklEQVR42mP8z8DAwMDEgIP8b3PAkoHx773F"
    "lieY/vEzMjAwMTA0sDMw/H7xf99/Jgamhv8MTEwfGf4xMP6zbfl4nhHDNAB8hRTxrnjkfwAAAABJRU5ErkJg"
    "gg=="
)

# The configuration says how many at most: `limited` puts it there.
_FILES: Final = {"type": "array", "items": _FILE, "minItems": 1}

_PARAMETERS: Final = [
    {
        "name": "X-User-Id",
        "in": "header",
        "required": False,
        "schema": USER_ID,
        "description": "As the field user_id.",
    },
    {
        "name": "X-Request-Id",
        "in": "header",
        "required": False,
        "schema": {"type": "string"},
        "description": "1 to 64 of A-Z a-z 0-9 . _ : - come back in the answer and stand in the"
        " log; another one is replaced.",
    },
    {"name": "arm", "in": "query", "required": False, "schema": _ARM},
    {"name": "line", "in": "query", "required": False, "schema": _LINE},
    {"name": "upright", "in": "query", "required": False, "schema": _UPRIGHT},
]

_ERRORS: Final = documented(
    bad_form=(400, "not a form that can be read: Missing boundary in multipart."),
    bad_json=(400, "the body is not JSON"),
    unknown_arm=(404, "no arm crnn:9 is served here"),
    body_timeout=(408, "the body did not arrive within 30 s"),
    body_too_large=(413, "more than 20,971,520 bytes; send a smaller image, or fewer"),
    unsupported_media_type=(415, "this Content-Type is not taken; send multipart/form-data, ..."),
    no_image=(422, "no image was sent"),
    too_many_images=(422, "at most one image; use /ocr/batch"),
    bad_image=(422, "image of 12 bytes: not an image (JPEG, PNG, WebP, TIFF, ... are read)"),
    bad_user_id=(422, "the user id is longer than 256 characters"),
    bad_arm=(422, "not an arm; write MODEL:VERSION, e.g. crnn:1"),
    invalid=(422, "unknown field; there are: image, user_id, arm, line, upright"),
    internal=(500, "something failed here that should not have"),
    model_failed=(502, "the model did not give an answer that can be used"),
    unavailable=(503, "no model answers at this moment; try again"),
    overloaded=(503, "too many images wait already; try again"),
)

_EXAMPLE: Final = {
    "success": True,
    "text": "合计",
    "confidence": 0.96,
    "time_ms": 84.7,
    "arm": {"model": "crnn", "version": 2},
    "bucket": 812,
    "rollout": "crnn-1",
    "generation": 4,
    "fell_back": False,
    "rescued": False,
    "reason": "candidate_range",
    "request_id": "b1c8b2a4f0d94a3c8a5d0e6f7a8b9c0d",
    "width": 96,
    "height": 32,
    "mode": "line",
    "mode_reason": "one row fills the image",
    "finder": "classical",
    "turned": 0,
    "angle": 0.0,
    "lines": [
        {
            "text": "合计",
            "confidence": 0.96,
            "box": [0, 0, 96, 32],
            "quad": [[0, 0], [96, 0], [96, 32], [0, 32]],
            "vertical": False,
            "block": 0,
            "characters": [
                {"text": "合", "confidence": 0.97, "x": [8.0, 36.0]},
                {"text": "计", "confidence": 0.95, "x": [44.0, 72.0]},
            ],
        }
    ],
    "blocks": [{"kind": "text", "text": "合计", "box": [0, 0, 96, 32], "lines": [0]}],
    "fields": [],
}
_FAILED: Final = _ERRORS[422]["content"]["application/problem+json"]["examples"]["bad-image"][
    "value"
]


def _form(image: dict[str, Any]) -> dict[str, Any]:
    return {
        "schema": {
            "type": "object",
            "properties": {
                "image": image,
                "user_id": USER_ID,
                "arm": _ARM,
                "line": _LINE,
                "upright": _UPRIGHT,
            },
            "required": ["image"],
            "additionalProperties": False,
        }
    }


def _operation(model: type[Read | Batch], example: Any, body: dict[str, Any]) -> dict[str, Any]:
    """Arguments of a route's decorator."""
    answer = {
        "model": model,
        "description": "Read.",
        "content": {"application/json": {"example": example}},
    }
    return {
        "responses": {200: answer, **_ERRORS},
        "openapi_extra": {
            "requestBody": {"required": True, "content": body},
            "parameters": _PARAMETERS,
        },
    }


_JSON: Final = {
    "schema": {
        "type": "object",
        "properties": {
            "image": {
                "type": "string",
                "format": "byte",
                "minLength": 1,
                "description": "An image file in base64, also as a data: URL.",
            },
            "user_id": {**USER_ID, "type": ["string", "null"]},
            "arm": {**_ARM, "type": ["string", "null"]},
            "line": {"type": ["boolean", "null"], "description": _LINE["description"]},
            "upright": {"type": ["boolean", "null"], "description": _UPRIGHT["description"]},
        },
        "required": ["image"],
        "additionalProperties": False,
    },
    "example": {"image": _TINY, "user_id": "u1"},
}
_RAW: Final = {"schema": {"type": "string", "format": "binary"}}

ONE: Final = _operation(
    Read,
    _EXAMPLE,
    {
        "multipart/form-data": _form(_FILE),
        "image/*": _RAW,
        "application/octet-stream": _RAW,
        "application/json": _JSON,
    },
)
BATCH: Final = _operation(
    Batch,
    {
        "success": False,
        "request_id": "b1c8b2a4f0d94a3c8a5d0e6f7a8b9c0d",
        "results": [_EXAMPLE, _FAILED],
    },
    {"multipart/form-data": _form(_FILES)},
)


def limited(document: dict[str, Any], settings: ServiceSettings) -> None:
    """Writes into `/openapi.json` what this process was configured to take."""
    body = document["paths"]["/ocr/batch"]["post"]["requestBody"]["content"]
    properties = body["multipart/form-data"]["schema"]["properties"]
    properties["image"] = {**_FILES, "maxItems": settings.batch_images}
