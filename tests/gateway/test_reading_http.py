"""`POST /ocr` and `/ocr/batch` as `ocrctl serve` answers them, on the real Triton."""

import base64
import io
import json
import random
import re
import subprocess

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from ocr_client import OCRClient
from ocr_client.config import ClientConfig, TritonSettings
from ocr_gateway.answers import Batch, Read
from ocr_rollout.core.routing import Arm

pytestmark = pytest.mark.server


def form(*images, **fields):
    return {"files": [("image", ("a.png", image)) for image in images], "data": fields}


def test_an_image_gives_its_text_and_who_read_it(serving, sample):
    """As documented: every key, the whole image's box, and nothing about what is inside."""
    answer = serving.post(**form(sample, user_id="u1"))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    Read.model_validate_json(answer.text, strict=True)
    found = answer.json()
    (line,) = found["lines"]
    assert found["success"] is True
    assert line["text"] == found["text"]
    assert line["box"] == [0, 0, found["width"], found["height"]] == [0, 0, 377, 48]
    assert "".join(each["text"] for each in line["characters"]) == found["text"]
    assert "fault" not in found


def test_a_page_gives_its_lines_with_their_boxes(serving):
    """Several lines, one request; what the image is may be said in every way in."""
    picture = Image.new("L", (600, 300), 255)
    face = ImageFont.truetype("DejaVuSans.ttf", 32)
    for row, text in enumerate(["Delivery note", "Total due 45.90", "Thank you"]):
        ImageDraw.Draw(picture).text((50, 50 + 46 * row), text, font=face, fill=0)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    image = buffer.getvalue()
    answer = serving.post(**form(image))
    Read.model_validate_json(answer.text, strict=True)
    found = answer.json()
    assert (found["mode"], len(found["lines"])) == ("page", 3)
    assert found["text"].split() == "Delivery note Total due 45.90 Thank you".split()
    for row, line in enumerate(found["lines"]):
        left, top, right, bottom = line["box"]
        assert 30 < left < 60
        assert 150 < right < 500
        assert abs((top + bottom) / 2 - (70 + 46 * row)) < 16
        assert all(
            left - 1 <= one["x"][0] <= one["x"][1] <= right + 1 for one in line["characters"]
        )
    assert [block["lines"] for block in found["blocks"]] == [[0, 1, 2]]
    as_line = [
        serving.post(**form(image, line="true")),
        serving.post(json={"image": base64.b64encode(image).decode(), "line": True}),
        serving.post("/ocr?line=true", content=image, headers={"Content-Type": "image/png"}),
    ]
    assert {each.json()["mode"] for each in as_line} == {"line"}
    for wrong in (form(image, line="maybe"), {"json": {"image": "aGk=", "line": "true"}}):
        assert serving.post(**wrong).status_code == 422


def test_a_blank_page_is_a_success_without_text(serving):
    buffer = io.BytesIO()
    Image.new("L", (300, 400), 255).save(buffer, "PNG")
    answer = serving.post(**form(buffer.getvalue()))
    Read.model_validate_json(answer.text, strict=True)
    found = answer.json()
    assert (answer.status_code, found["text"], found["lines"]) == (200, "", [])
    assert found["mode_reason"] == "no text found: the page is blank"


def test_a_page_of_noise_is_a_success_that_says_why_it_has_no_text(serving):
    """One that is taken for turned, and has more than 4 MB."""
    noise = np.random.default_rng(647).integers(0, 256, (2600, 1900), dtype=np.uint8)
    found = without_text(serving, Image.fromarray(noise))
    assert re.fullmatch(r"no text found: [\d,]+ specks", found["mode_reason"])


def test_scribbles_are_no_text_and_that_is_the_reason(serving):
    """They stand in rows like writing, and no row is read as anything surely."""
    chance = random.Random(0)
    picture = Image.new("L", (900, 900), 255)
    for row in range(10):
        for column in range(30):
            corner = 40 + 27 * column, 60 + 70 * row
            strokes = [tuple(side + chance.randrange(24) for side in corner) for _ in range(5)]
            ImageDraw.Draw(picture).line(strokes, fill=0, width=3)
    found = without_text(serving, picture)
    expected = r"no text found: of \d+ likely lines none could be read surely"
    assert re.fullmatch(expected, found["mode_reason"])


def without_text(serving, picture):
    """The answer of a page on which there is no text."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    answer = serving.post(**form(buffer.getvalue()))
    assert answer.status_code == 200, answer.text
    Read.model_validate_json(answer.text, strict=True)
    found = answer.json()
    assert (found["mode"], found["text"], found["lines"], found["blocks"]) == ("page", "", [], [])
    return found


def test_it_reads_what_the_client_reads(serving, sample, triton):
    """Same arm, same bucket, same text: the service adds nothing to routing."""
    with OCRClient(ClientConfig(triton=TritonSettings(urls=(triton.http_url,)))) as client:
        for user in ("u1", "u2", "用户", None):
            expected = client.recognize(sample, user_id=user)
            found = serving.post(**form(sample, **({"user_id": user} if user else {}))).json()
            assert found["bucket"] == expected.bucket
            assert found["arm"] == {"model": expected.arm.model, "version": expected.arm.version}
            assert found["text"] == expected.text


def test_every_way_in_is_the_same_request(serving, sample):
    """A form, the bytes, base64 and a data: URL; the user in a field, a key or the header."""
    encoded = base64.b64encode(sample).decode()
    user = {"X-User-Id": "Zoë".encode()}
    answers = [
        serving.post(**form(sample, user_id="Zoë")),
        serving.post(**form(sample), headers=user),
        serving.post(**form(sample), headers={"X-User-Id": "Zoë".encode("latin-1")}),
        serving.post(content=sample, headers={"Content-Type": "image/png", **user}),
        serving.post(content=sample, headers={"Content-Type": "application/octet-stream", **user}),
        serving.post(json={"image": encoded, "user_id": "Zoë"}),
        serving.post(json={"image": f"data:image/png;base64,{encoded}"}, headers=user),
        serving.post(json={"image": f"{encoded[:76]}\r\n{encoded[76:]}", "user_id": "Zoë"}),
    ]
    assert [answer.status_code for answer in answers] == [200] * len(answers)
    assert len({(answer.json()["text"], answer.json()["bucket"]) for answer in answers}) == 1


@pytest.mark.parametrize("arm", ["crnn:1", "convnext:1"])
def test_a_named_arm_answers(serving, sample, arm):
    """As a field, as a key, and in the query."""
    encoded = base64.b64encode(sample).decode()
    answers = [
        serving.post(**form(sample, arm=arm)),
        serving.post(json={"image": encoded, "arm": arm}),
        serving.post(f"/ocr?arm={arm}", content=sample, headers={"Content-Type": "image/png"}),
    ]
    for answer in answers:
        assert answer.json()["reason"] == "forced"
        assert str(Arm(**answer.json()["arm"])) == arm


def test_an_empty_field_says_nothing(serving, sample):
    """As browsers send a form that nobody filled in."""
    found = serving.post(**form(sample, user_id="", arm="")).json()
    assert found["bucket"] == serving.post(**form(sample)).json()["bucket"]


def test_a_batch_answers_for_each_image(serving, sample):
    """In order; one that is no image is a problem in its place, with an id of its own."""
    answer = serving.post(
        "/ocr/batch", **form(sample, b"no image", sample), headers={"X-Request-Id": "b7"}
    )
    assert answer.status_code == 200
    Batch.model_validate_json(answer.text, strict=True)
    found = answer.json()
    assert (found["success"], found["request_id"]) == (False, "b7")
    assert [each["success"] for each in found["results"]] == [True, False, True]
    assert [each["request_id"] for each in found["results"]] == ["b7-1", "b7-2", "b7-3"]
    assert found["results"][1]["status"] == 422
    assert found["results"][1]["type"].endswith(":bad-image")
    assert found["results"][0]["text"] == found["results"][2]["text"]
    assert serving.post("/ocr/batch", **form(sample)).json()["success"] is True


@pytest.mark.parametrize("given", ["abc-1", "A" * 64, "0af7651916cd43dd8448eb211c80319c"])
def test_a_request_keeps_its_id(serving, sample, given):
    """In the header, in the answer and in the log."""
    answer = serving.post(**form(sample), headers={"X-Request-Id": given})
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == given
    assert serving.served(given)["status"] == 200


@pytest.mark.parametrize("given", ["", "a b", "A" * 65, "<script>", "../x", "ä".encode()])
def test_an_id_that_is_not_safe_is_replaced(serving, given):
    answer = serving.get("/healthz", headers={"X-Request-Id": given})
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])


def test_every_answer_is_safe_to_show(serving):
    """Errors and unknown addresses as well."""
    for answer in (
        serving.get("/healthz"),
        serving.get("/none"),
        serving.http.request("DELETE", "/ocr"),
        serving.get("/openapi.json"),
    ):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers


def test_a_line_of_the_log_says_what_happened_and_not_to_whom(serving, sample):
    """Nothing of the user, the text or the image."""
    answer = serving.post(
        **form(sample, user_id="somebody@example.org"),
        headers={"X-Request-Id": "one-line"},
        params={"secret": "in-the-query"},
    )
    line = serving.served("one-line")
    assert line["path"] == "/ocr"
    assert (line["method"], line["status"]) == ("POST", 200)
    assert line["arm"] == str(Arm(**answer.json()["arm"]))
    assert 0 < answer.json()["time_ms"] <= line["ms"] + 0.01
    for private in ("somebody", answer.json()["text"], "in-the-query"):
        assert private not in serving.log()


def test_a_path_cannot_forge_a_line(serving):
    """Control characters are escaped, and a path is cut off."""
    serving.get("/a%0a%7b%22level%22%3a1%7d%1b%5b31m", headers={"X-Request-Id": "forged"})
    serving.get("/" + "x" * 5_000, headers={"X-Request-Id": "long"})
    assert serving.served("forged")["path"] == '/a\n{"level":1}\x1b[31m'
    assert len(serving.served("long")["path"]) == 200
    assert "\x1b" not in serving.log()


def test_health_is_looked_up_often_and_logged_never(serving):
    for _ in range(3):
        assert serving.get("/healthz").json() == {"status": "ok"}
        serving.until(lambda: serving.get("/readyz").json() == {"status": "ok"}, "it is not ready")
    serving.get("/none", headers={"X-Request-Id": "later"})
    serving.served("later")  # lines come in the order of the requests
    lines = [each for each in serving.records() if each.get("path") in {"/healthz", "/readyz"}]
    assert not [each for each in lines if each["status"] == 200]


def test_curl_works_as_the_manual_says(serving, sample, tmp_path):
    (tmp_path / "a.png").write_bytes(sample)
    done = subprocess.run(
        ["curl", "-s", "-F", f"image=@{tmp_path / 'a.png'}", f"{serving.url}/ocr"],
        check=True,
        capture_output=True,
    )
    assert json.loads(done.stdout)["success"] is True
