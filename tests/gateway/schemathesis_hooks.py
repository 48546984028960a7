"""What OpenAPI cannot say of our requests, for schemathesis; see `test_schemathesis.py`."""

import base64
from pathlib import Path

import schemathesis
from hypothesis import strategies

SAMPLES = Path(__file__).parents[2] / "samples"
IMAGES = strategies.sampled_from(
    [(SAMPLES / name).read_bytes() for name in ("01_print.png", "08_sign.png")]
)
ARMS = ("crnn:1", "crnn:2", "crnn:3", "convnext:1", "convnext:2", "convnext:3")

# A binary field is an image here, and so is a text in base64.
schemathesis.openapi.format("binary", IMAGES)
schemathesis.openapi.format("byte", IMAGES.map(lambda image: base64.b64encode(image).decode()))
for kind in ("image/*", "application/octet-stream"):
    schemathesis.openapi.media_type(kind, IMAGES)
# An arm that is served, where it has to be one.
schemathesis.openapi.format("arm", strategies.sampled_from(ARMS))


@schemathesis.hook
def filter_case(_context, case):
    """A form holds texts: a number is sent as one, and so it is none that could be refused."""
    form = isinstance(case.body, dict) and case.media_type == "multipart/form-data"
    return not (form and isinstance(case.body.get("user_id"), int | float))


@schemathesis.hook
def map_case(_context, case):
    """A user or an arm that is said twice has to be the same one: it is said once."""
    if not isinstance(case.body, dict):
        return case
    images = case.body.get("image")
    if isinstance(images, list) and 2 < len(images) <= 32:  # as good as all of them, and faster
        case.body["image"] = images[:2]
    for name in ("arm", "line", "upright"):
        if name in case.body and case.query:
            case.query.pop(name, None)
    if "user_id" in case.body and case.headers:
        case.headers.pop("X-User-Id", None)
    return case
