"""Bad input gets the right 4xx with a reason, and leaves nothing behind that it should not."""

import base64
import io
import json
import struct
import zlib

import pytest
from PIL import Image

from ocr_gateway.problems import ProblemDocument

pytestmark = pytest.mark.server

PNG = {"Content-Type": "image/png"}
JSON = {"Content-Type": "application/json"}


def chunk(kind, content):
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


def png(width, height, content=b""):
    """As its header says, whatever is in it."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(content))
        + chunk(b"IEND", b"")
    )


def bomb():
    """6 MB of zeros a kilobyte: as many pixels as are allowed in a few bytes, and then more."""
    return png(7_000, 9_000, bytes(7_001 * 9_000)) + b"\x00" * 100


def animation():
    frames = [Image.new("L", (64, 32), shade) for shade in (0, 255)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def file(content, name="a.png", field="image"):
    return (field, (name, content))


BAD_IMAGES = {
    "0 bytes": (b"", "no-image", "empty"),
    "text": (b"<html><script>alert(1)</script></html>", "bad-image", "not an image"),
    "30,000 x 30,000": (png(30_000, 30_000), "bad-image", "limit of 64,000,000"),
    "cut off": (png(300, 32, bytes(300)), "bad-image", "cut off or damaged"),
    "1 x 1": (png(1, 1, bytes(2)), "bad-image", "at least"),
    "two frames": (animation(), "bad-image", "one frame or page"),
    "a script": (b"#!/bin/sh\ntouch /tmp/executed\n", "bad-image", "not an image"),
    "PostScript": (
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        "bad-image",
        "not an image",
    ),
    "a PDF": (b"\n%PDF-1.4\n", "bad-image", "a PDF, not an image; give one image of each page"),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "bad-image", "not an image"),
}


def is_problem(answer, status, kind):
    """The detail, after everything that every problem has to have."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    ProblemDocument.model_validate_json(answer.text, strict=True)
    found = answer.json()
    assert (found["status"], found["success"]) == (status, False)
    assert found["request_id"] == answer.headers["x-request-id"]
    assert found["type"] == f"urn:ocr-rollout:problem:{kind}"
    assert "\n" not in found["detail"]
    return found["detail"]


@pytest.mark.parametrize("name", BAD_IMAGES)
def test_what_is_no_image_that_can_be_read(serving, name):
    """The same, whichever way it comes in."""
    content, kind, words = BAD_IMAGES[name]
    for answer in (
        serving.post(files=[file(content)]),
        serving.post(content=content, headers=PNG),
        serving.post(json={"image": base64.b64encode(content).decode()}),
    ):
        assert words in is_problem(answer, 422, kind)


def test_a_bomb_of_an_image_is_read_within_its_limits(serving):
    """63 million pixels in 60 kB: allowed, decoded once, and still only one image."""
    content = bomb()
    assert len(content) < 100_000
    answer = serving.post(content=content, headers=PNG)
    assert answer.status_code in {200, 422}, answer.text


REFUSED = {
    "no file": ({"data": {"user_id": "u"}}, 415, "unsupported-media-type"),
    "a form without a file": (
        {"files": [("user_id", (None, "u"))]},
        422,
        "no-image",
    ),
    "a field instead of a file": ({"files": [("image", (None, "abc"))]}, 422, "no-image"),
    "two files": ({"files": [file(b"a"), file(b"b")]}, 422, "too-many-images"),
    "a file of another name": ({"files": [file(b"a", field="picture")]}, 422, "no-image"),
    "an unknown field": (
        {"files": [file(b"a"), ("model", (None, "crnn"))]},
        422,
        "invalid",
    ),
    "many fields": (
        {"files": [file(b"a"), *(("user_id", (None, "u")) for _ in range(9))]},
        422,
        "invalid",
    ),
    "nothing at all": ({}, 415, "unsupported-media-type"),
    "an empty body": ({"content": b"", "headers": PNG}, 422, "no-image"),
    "a wrong type": (
        {"content": b"hello", "headers": {"Content-Type": "text/html"}},
        415,
        "unsupported-media-type",
    ),
    "a form without a boundary": (
        {"content": b"--x", "headers": {"Content-Type": "multipart/form-data"}},
        400,
        "bad-form",
    ),
    "a form that is none": (
        {"content": b"abc", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
        400,
        "bad-form",
    ),
    "wrong JSON": ({"content": b"{", "headers": JSON}, 400, "bad-json"),
    "JSON that is no UTF-8": ({"content": b'"\xff"', "headers": JSON}, 400, "bad-json"),
    "JSON without end": ({"content": b"[" * 60_000, "headers": JSON}, 400, "bad-json"),
    "a number of a million digits": (
        {"content": b"1" * 1_000_000, "headers": JSON},
        400,
        "bad-json",
    ),
    "a JSON list": ({"json": []}, 422, "invalid"),
    "JSON without an image": ({"json": {}}, 422, "no-image"),
    "an image that is no text": ({"json": {"image": 5}}, 422, "invalid"),
    "an unknown key": ({"json": {"image": "YQ==", "path": "/etc/passwd"}}, 422, "invalid"),
    "a path for an image": ({"json": {"image": "/etc/passwd"}}, 422, "no-image"),
    "an address for an image": ({"json": {"image": "http://127.0.0.1/"}}, 422, "no-image"),
    "a user that is no text": ({"json": {"image": "YQ==", "user_id": 7}}, 422, "invalid"),
    "half a character": (
        {"content": b'{"image": "YQ==", "user_id": "\\ud800"}', "headers": JSON},
        422,
        "bad-user-id",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_request_that_is_none(serving, name):
    more, status, kind = REFUSED[name]
    is_problem(serving.post(**more), status, kind)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1/", "https://example.org/a.png", "FILE:///etc/passwd"]
)
def test_an_address_for_an_image_is_not_fetched_and_that_is_said(serving, address):
    detail = is_problem(serving.post(json={"image": address}), 422, "no-image")
    assert "none is fetched; send the image itself" in detail
    assert address not in detail


@pytest.mark.parametrize("user", ["z" * 257, "a\nb", "a\x00b", "\x1b[31m", "a\x7f", "\x85"])
def test_a_user_id_that_is_none(serving, sample, user):
    """And it is neither told back nor logged."""
    answer = serving.post(files=[file(sample)], data={"user_id": user})
    detail = is_problem(answer, 422, "bad-user-id")
    assert user not in detail
    encoded = base64.b64encode(sample).decode()
    is_problem(serving.post(json={"image": encoded, "user_id": user}), 422, "bad-user-id")
    assert "zzzz" not in serving.log()  # letters that no id of a request has


def test_a_user_id_of_a_megabyte(serving, sample):
    """In a form it is above what a field may hold, in JSON above what a user id may."""
    user = "u" * 1_000_000
    is_problem(serving.post(files=[file(sample)], data={"user_id": user}), 422, "invalid")
    answer = serving.post(json={"image": base64.b64encode(sample).decode(), "user_id": user})
    is_problem(answer, 422, "bad-user-id")
    assert "uuuu" not in serving.log()


@pytest.mark.parametrize("user", [b"\x80", "\x85".encode(), b"a\tb", b"a" * 257])
def test_a_user_id_in_the_header_that_is_none(serving, sample, user):
    answer = serving.post(content=sample, headers={**PNG, "X-User-Id": user})
    is_problem(answer, 422, "bad-user-id")


def test_two_users_are_none(serving, sample):
    """Or two arms: which one was meant is the caller's to say."""
    answer = serving.post(files=[file(sample)], data={"user_id": "a"}, headers={"X-User-Id": "b"})
    is_problem(answer, 422, "invalid")
    answer = serving.post("/ocr?arm=crnn:1", files=[file(sample)], data={"arm": "crnn:2"})
    is_problem(answer, 422, "invalid")


@pytest.mark.parametrize(
    ("arm", "kind"),
    [
        ("crnn:999", "unknown-arm"),
        ("nobody:1", "unknown-arm"),
        ("crnn", "bad-arm"),
        ("crnn:0", "bad-arm"),
        ("../../v2/models/crnn:1", "bad-arm"),
        ("crnn/versions/1:1", "bad-arm"),
        ("crnn:1?x", "bad-arm"),
        ("a" * 5_000 + ":1", "bad-arm"),
        ("crnn:" + "9" * 19, "bad-arm"),
    ],
)
def test_an_arm_that_is_none(serving, sample, arm, kind):
    """Says so, without the address of the server that was asked."""
    answer = serving.post("/ocr", content=sample, headers=PNG, params={"arm": arm})
    detail = is_problem(answer, 404 if kind == "unknown-arm" else 422, kind)
    assert "127.0.0.1" not in detail
    assert len(detail) < 300


def test_markup_is_only_text(serving, sample):
    """HTML in a user id is a user id; it comes back nowhere."""
    user = "<script>alert(1)</script>"
    answer = serving.post(files=[file(sample)], data={"user_id": user})
    assert answer.status_code == 200
    assert "<script>" not in answer.text + serving.log()


def test_a_file_name_is_never_used(serving, sample):
    """Neither as a path nor in the log."""
    for name in ("../../etc/passwd", "/etc/shadow", "a\x00b.png", "C:\\x", "图.png"):
        answer = serving.post(files=[("image", (name, sample))])
        assert answer.status_code == 200, answer.text
    assert "passwd" not in serving.log()


@pytest.mark.parametrize("path", ["/none", "/../../etc/passwd", "/ocr/", "/ocr/batch/x"])
def test_an_address_that_is_none(serving, path):
    is_problem(serving.get(path), 404, "not-found")


def test_another_method(serving):
    """Allow says which one is taken."""
    answer = serving.get("/ocr")
    is_problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("content", [b'"\xff"', b"{", b"[" * 60_000])
def test_what_is_no_json_where_json_has_to_be(serving, content):
    """Also where the framework reads the body."""
    is_problem(serving.post("/feedback", content=content, headers=JSON), 422, "invalid")


def test_a_batch_of_too_many(serving, sample):
    """One more than `batch_images`."""
    answer = serving.post("/ocr/batch", files=[file(sample)] * 33)
    assert "at most 32 images" in is_problem(answer, 422, "too-many-images")


def test_a_batch_is_a_form(serving):
    is_problem(serving.post("/ocr/batch", json={}), 415, "unsupported-media-type")
    is_problem(serving.post("/ocr/batch", data={}, files=[]), 415, "unsupported-media-type")


def test_nothing_of_all_that_was_an_error_of_ours(serving):
    """No line of the log is of a level above info, and none has a traceback."""
    found = [record for record in serving.records() if record["level"] != "info"]
    assert not found, json.dumps(found, indent=1)
