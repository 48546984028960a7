"""Small valid inputs, and known bad ones, made by code: what is spoilt is not kept as files."""

from __future__ import annotations

import base64
import functools
import io
import json
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from ocr_rollout.core.notices import Notice
from ocr_rollout.core.state import AuditEntry, RolloutState, Tombstone

ROOT = Path(__file__).resolve().parents[2]
BOUNDARY = "fuzz"


@functools.cache
def picture(width: int = 96, height: int = 24) -> Image.Image:
    """Gray, a word on paper."""
    made = Image.new("L", (width, height), 235)
    ImageDraw.Draw(made).text((4, 5), "Total 12.50", fill=30)
    return made


def _saved(kind: str, mode: str = "L", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture().convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


@functools.cache
def images() -> tuple[bytes, ...]:
    """Every format that is read, and some that are refused."""
    deep = io.BytesIO()
    Image.fromarray(np.asarray(picture(), np.uint16) * 257).save(deep, "PNG")
    return (
        _saved("PNG"),
        _saved("PNG", "RGBA"),
        _saved("PNG", "P"),
        _saved("PNG", "1"),
        deep.getvalue(),
        _saved("JPEG", quality=80),
        _saved("JPEG", "RGB", progressive=True),
        _saved("JPEG", "CMYK"),
        _saved("WEBP", "RGB"),
        _saved("BMP", "RGB"),
        _saved("GIF", "P"),
        _saved("PPM", "RGB"),
        _saved("JPEG2000"),
        *tiffs(),
        b"",
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    )


@functools.cache
def tiffs() -> tuple[bytes, ...]:
    """One page and several, by compression."""
    several = io.BytesIO()
    more = [picture().rotate(180), picture(40, 30)]
    picture().save(several, "TIFF", save_all=True, append_images=more)
    return (
        _saved("TIFF"),
        _saved("TIFF", "RGB", compression="tiff_lzw"),
        _saved("TIFF", "1", compression="group4"),
        _saved("TIFF", "RGB", compression="jpeg"),
        several.getvalue(),
    )


@functools.cache
def pdfs() -> tuple[bytes, ...]:
    scan = io.BytesIO()
    picture().save(scan, "PDF", save_all=True, append_images=[picture(40, 30)])
    drawn = b"BT /F1 18 Tf 20 100 Td (Total 12.50) Tj ET 10 10 50 20 re f"
    return (scan.getvalue(), _pdf(drawn, b""), _pdf(zlib.compress(drawn), b"/Filter/FlateDecode"))


def _pdf(content: bytes, filtered: bytes) -> bytes:
    """One page with a line of text, and a cross-reference table that is right."""
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 150]/Contents 5 0 R/Resources<</Font<</F1 4 0 R>>>>>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"<</Length %d%s>>stream\n%s\nendstream" % (len(content), filtered, content),
    )
    body, places = b"%PDF-1.7\n", []
    for number, one in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    tail = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(places) + 1, len(body))
    return body + b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1) + table + tail


@functools.cache
def configs() -> tuple[bytes, ...]:
    laughs = "\n".join(f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]" for n in range(1, 9))
    return (
        b"model_routing: {stable: 'convnext:3', candidate: 'crnn:3', gray_scale_ratio: 0.1}\n",
        b"rollout:\n  id: crnn-1\n  holdout: 0.02\n  phases:\n    - {share: 0.1, min_dwell: 1d}\n",
        b"store: {url: 'redis://user:hush@host:6379/0'}\nshadow: {share: 0.5}\n",
        b"triton: {urls: ['127.0.0.1:8000'], deadline_s: 10}\nlimits: {max_pixels: 64000000}\n",
        b"service: {max_body_bytes: 20971520, allowed_hosts: ['ocr.example.com']}\n",
        b"review: {stable: 0.1, kinds: [print, scan]}\npages: {deadline_s: 60}\n",
        b"notifications:\n  targets:\n    - {name: ops, kind: webhook, url: 'https://x.example/hush', secret: abc}\n",
        b"otlp: {url: 'http://collector:4318/hush', headers: 'a=b', every: 60s}\nreload: {watch: true}\n",
        f"x0: &x0 lol\n{laughs}\nlimits: {{max_pixels: *x8}}\n".encode(),  # a billion laughs
        b"a: &a {b: *a}\nlimits: *a\n",
        b"[" * 3000,
        b"? [a, b]\n: {1: 2, !!binary aGk=: !!python/object:os.system x}\n",
    )


@functools.cache
def documents() -> tuple[bytes, ...]:
    """What the store holds, which whoever can write to it controls."""
    stone = Tombstone("ab" * 32, "crnn:1", "crnn-1", "errors 9 %", 1.79e9)
    state = RolloutState(3, 2, "running", "crnn-1", "convnext:3", "crnn:3", "cd" * 32, 1, 3000)
    entry = AuditEntry(
        *(1.79e9, "ann", "start", "why", 3, "crnn-1", "crnn:3", "idle", "running", 0, 0, 0, 1000)
    )
    notice = Notice("ops", "phase", "convnext:3", entry)
    return tuple(
        json.dumps(one).encode()
        for one in (
            RolloutState().to_dict(),
            state.to_dict() | {"tombstones": [stone.__class__.__name__]},
            {**state.to_dict(), "tombstones": [{k: getattr(stone, k) for k in stone.__slots__}]},
            entry.to_dict(),
            notice.to_dict(),
            {"schema": 99},
        )
    )


@functools.cache
def graphs() -> tuple[bytes, ...]:
    """ONNX files: small ones, and one of whose weights stand elsewhere."""
    from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415  # for this target alone

    alphabet = numpy_helper.from_array(np.arange(8, dtype=np.int32), "alphabet")
    outside = TensorProto()
    outside.CopyFrom(alphabet)
    outside.ClearField("raw_data")
    outside.data_location = TensorProto.EXTERNAL
    outside.external_data.add(key="location", value="../../etc/passwd")
    found = []
    for weights in ((alphabet,), (outside,)):
        graph = helper.make_graph(
            [
                helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.INT64),
                helper.make_node("Gather", ["alphabet", "pixels"], ["codepoints"]),
                helper.make_node("Cast", ["pixels"], ["confidence"], to=TensorProto.FLOAT),
            ],
            "line",
            [helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", 1, 32, "W"])],
            [
                helper.make_tensor_value_info("codepoints", TensorProto.INT32, ["N", "T"]),
                helper.make_tensor_value_info("confidence", TensorProto.FLOAT, ["N", "T"]),
            ],
            list(weights),
        )
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        found.append(made.SerializeToString())
    return tuple(found)


@functools.cache
def settings_of_models() -> tuple[bytes, ...]:
    return (
        (ROOT / "model_repository" / "crnn" / "config.pbtxt").read_bytes(),
        b'name: "a" parameters { key: "b" value: { string_value: "c\\n" } } # x\n',
        b"version_policy { specific { versions: [ 1, 2 ] } } max_batch_size: 16",
        b"a { " * 500,
    )


@functools.cache
def requests() -> tuple[bytes, ...]:
    """METHOD PATH CONTENT-TYPE, a line end, the body."""
    png, jpeg = images()[0], images()[5]
    encoded = base64.b64encode(png).decode()
    form = f"multipart/form-data;boundary={BOUNDARY}"
    return (
        b"POST /ocr image/png\n" + png,
        b"POST /ocr?arm=convnext:3&line=true application/octet-stream\n" + jpeg,
        f"POST /ocr {form}\n".encode() + _form(("image", png), ("user_id", b"u1")),
        f"POST /ocr/batch {form}\n".encode() + _form(("image", png), ("image", jpeg)),
        b"POST /ocr application/json\n" + json.dumps({"image": encoded, "user_id": "u"}).encode(),
        b"POST /ocr/batch application/json\n" + json.dumps({"images": [encoded] * 2}).encode(),
        b"POST /feedback application/json\n"
        + json.dumps({"request_id": "r", "correct": False, "text": "x"}).encode(),
        b"POST /rollout/approve application/json\n" + json.dumps({"by": "ann"}).encode(),
        b"POST /rollout/weight application/json\n" + json.dumps({"share": 0.3}).encode(),
        b"POST /review/next application/json\n" + json.dumps({"by": "ann"}).encode(),
        b"GET /pages/code/main.js -\n",
        b"GET /rollout/history?limit=3 -\n",
    )


def _form(*parts: tuple[str, bytes]) -> bytes:
    body = b""
    for name, content in parts:
        file = '; filename="a.png"' if name == "image" else ""
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
        body += head.encode() + content + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode()


@functools.cache
def answers() -> tuple[bytes, ...]:
    """What a model might answer: code points as INT32, then confidences as FP32, 32 steps."""
    texts = (
        "Total 12.50",
        "合计 ￥88",
        "a\u0000\u0008<&>\"'\ufffe\uffff",
        "\u202e\U0010ffff\u200b",
    )
    return tuple(_steps(text, sure) for text in texts for sure in (0.9, 0.0, float("nan")))


def _steps(text: str, sure: float) -> bytes:
    codes: npt.NDArray[np.int32] = np.zeros(32, np.int32)
    codes[: 2 * len(text) : 2] = [ord(character) for character in text]
    return codes.tobytes() + np.full(32, sure, np.float32).tobytes()
