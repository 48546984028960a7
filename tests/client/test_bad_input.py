"""What cannot be read gets one line with the file and the reason, in the library and on the
command line; it never reaches a server, and never counts against an arm.
"""

import io
import json
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from ocr_client import ClientConfig, OCRClient
from ocr_client.config import Limits
from ocr_client.errors import BadImageError
from ocr_client.fake import FakeTransport
from ocr_client.settings import CANDIDATE, STABLE

NOWHERE = "127.0.0.1:9"  # the discard port: nothing listens there


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_header(width, height):
    """A PNG that claims a size and has no pixels."""

    def chunk(name, data):
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b""))


def frames():
    noise = np.random.default_rng(0).integers(0, 256, (3, 32, 90), np.uint8)
    return [Image.fromarray(frame) for frame in noise]


def many(kind):
    first, *rest = frames()
    return encoded(first, kind, save_all=True, append_images=rest)


LINE = frames()[0]
FILES = {
    # name: bytes of the file (None: no file), words of the reason
    "missing.png": (None, "no such file"),
    "empty.png": (b"", "empty"),
    "text.png": (b"this is no image at all", "not an image"),
    "cut.png": (encoded(LINE, "PNG")[:-200], "cut off"),
    "cut.jpg": (encoded(LINE, "JPEG")[:-500], "cut off"),
    "head.jpg": (encoded(LINE, "JPEG")[:20], "cut off"),
    "zero.png": (png_header(0, 0), ""),
    "one.png": (encoded(Image.new("L", (1, 1)), "PNG"), "1x1 pixels"),
    "flat.png": (encoded(Image.new("L", (90, 1)), "PNG"), "90x1 pixels"),
    "bomb.png": (png_header(40_000, 40_000), "limit"),  # 1.6 GP in 60 bytes
    "strip.png": (encoded(Image.new("L", (9_000, 2)), "PNG"), "too wide"),
    "moving.gif": (many("GIF"), "animated or many-page"),
    "moving.webp": (many("WEBP"), "animated or many-page"),
    "pages.tiff": (many("TIFF"), "animated or many-page"),
    "page.pdf": (b"%PDF-1.7\n", "not an image"),
    "new\nline.png": (b"", "empty"),
}

# What the command line says without a server. How wide is too wide depends on the model's height, and
# a TIFF's pages can be read there; of a PDF it knows more.
SERVERLESS = {
    name: facts for name, facts in FILES.items() if name not in {"strip.png", "pages.tiff"}
} | {"page.pdf": (FILES["page.pdf"][0], "is no PDF that can be read")}


@pytest.fixture
def folder(tmp_path):
    for name, (content, _) in FILES.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
    (tmp_path / "folder").mkdir()
    return tmp_path


def reader():
    transport = FakeTransport({STABLE: "a", CANDIDATE: "a"})
    return OCRClient(transport=transport), transport


@pytest.mark.parametrize("name", FILES, ids=ascii)
def test_the_library_raises_one_line(folder, name):
    """BadImageError, the caller's, naming the file and the reason; no server is asked."""
    client, transport = reader()
    with pytest.raises(BadImageError) as caught:
        client.recognize(folder / name)
    message = str(caught.value)
    assert message.startswith(str(folder))
    assert name.partition("\n")[0] in message
    assert FILES[name][1] in message
    assert "\n" not in message
    assert caught.value.owner == "caller"
    assert not transport.asked


@pytest.mark.parametrize("name", [name for name, (content, _) in FILES.items() if content])
def test_bytes_are_judged_as_files_are(name):
    """The same reasons, without a name."""
    client, _ = reader()
    with pytest.raises(BadImageError) as caught:
        client.recognize(FILES[name][0])
    assert FILES[name][1] in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "source",
    [
        b"",
        bytearray(),
        memoryview(b""),
        np.zeros((0, 0), np.uint8),
        np.zeros((0, 32), np.uint8),
        np.zeros((1, 1), np.uint8),
        np.zeros((32, 90, 2), np.uint8),
        np.zeros((2, 32, 90, 3), np.uint8),
        np.zeros(90, np.uint8),
        np.zeros((32, 90), np.int64),
        np.full((32, 90), np.nan),
        np.zeros((32, 90), object),
        np.array("text"),
        None,
        7,
        object(),
        ["a.png"],
        "a\0b.png",
        "",
        "x" * 5_000,
    ],
    ids=lambda source: type(source).__name__,  # a repr holds an address, another one per worker
)
def test_what_is_no_image_at_all_is_the_callers_fault_too(source):
    """No TypeError of a library, no crash."""
    client, _ = reader()
    with pytest.raises(BadImageError) as caught:
        client.recognize(source)
    assert "\n" not in str(caught.value)


def test_the_limit_of_pixels_is_configured():
    """It holds for arrays and for files."""
    config = ClientConfig(limits=Limits(max_pixels=1_000))
    client = OCRClient(config, transport=FakeTransport({STABLE: "a"}))
    for source in (np.zeros((32, 90), np.uint8), encoded(LINE, "PNG")):
        with pytest.raises(BadImageError, match="1,000"):
            client.recognize(source)


def test_a_directory_is_named_as_one(folder):
    """Not as a missing file."""
    client, _ = reader()
    with pytest.raises(BadImageError, match="is a directory"):
        client.recognize(folder / "folder")


def ocrctl(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "ocr_client.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_command_line_says_one_line_for_each_file(folder):
    """Exit code 1, nothing on stdout, no stack trace, no word of the server."""
    run = ocrctl("recognize", "--url", NOWHERE, *(folder / name for name in SERVERLESS))
    assert run.returncode == 1
    assert run.stdout == ""
    lines = run.stderr.splitlines()
    assert len(lines) == len(SERVERLESS)
    for line, (name, (_, reason)) in zip(lines, SERVERLESS.items(), strict=True):
        assert line.startswith("ocrctl: ")
        assert name.partition("\n")[0] in line
        assert reason in line


def test_the_command_line_says_it_in_json_as_well(folder):
    """One object a file, in order; the file as it was given."""
    paths = [str(folder / name) for name in SERVERLESS]
    run = ocrctl("recognize", "--json", "--line", "--url", NOWHERE, *paths)
    assert run.returncode == 1
    assert run.stderr == ""
    found = [json.loads(line) for line in run.stdout.splitlines()]
    assert [one["file"] for one in found] == paths
    for one, (_, reason) in zip(found, SERVERLESS.values(), strict=True):
        assert one["success"] is False
        assert one["owner"] == "caller"
        assert reason in one["error"]
        assert set(one) >= {"text", "confidence", "time_ms", "arm", "bucket", "fell_back"}
