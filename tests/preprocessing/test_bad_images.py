"""Bad input gets one line that names the image and the reason, and nothing else."""

from __future__ import annotations

import io
import os
import pickle
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ocr_preprocessing.errors import (
    ImageError,
    ImageMissingError,
    ImageTooLargeError,
    ImageTooSmallError,
    ImageUnreadableError,
    ImageUnsupportedError,
)
from ocr_preprocessing.line import prepare_line
from ocr_preprocessing.load import load_image
from ocr_preprocessing.spec import LineSpec

# load.py silences both for its callers; pytest puts the filters back.
pytestmark = [
    pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning:PIL.TiffImagePlugin"),
]

NOISE = np.random.default_rng(0).integers(0, 256, (40, 90, 3), dtype=np.uint8)
KINDS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "JPEG2000")


def encoded(picture: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


SAMPLES = {kind: encoded(Image.fromarray(NOISE), kind) for kind in KINDS}


def png_of(width: int, height: int) -> bytes:
    """A PNG whose header claims a size; its data is one empty stream."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


def frames(kind: str) -> bytes:
    pictures = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "white")]
    return encoded(pictures[0], kind, save_all=True, append_images=pictures[1:])


FILES = [
    # file name, content (None: no file), error, what the line says
    ("missing.png", None, ImageMissingError, "no such file"),
    ("empty.png", b"", ImageUnreadableError, "the file is empty"),
    ("notes.txt", b"hello, world\n" * 9, ImageUnreadableError, "not an image (JPEG, PNG,"),
    (
        "page.pdf",
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        ImageUnreadableError,
        "a PDF, not an image; give one",
    ),
    ("drawing.svg", b"<svg xmlns='x'/>", ImageUnreadableError, "not an image"),
    ("plot.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n", ImageUnreadableError, "not an image"),
    ("head.png", SAMPLES["PNG"][:10], ImageUnreadableError, "cut off or damaged in its header"),
    ("zero.png", png_of(0, 9), ImageUnreadableError, ""),
    ("dot.png", png_of(1, 1), ImageTooSmallError, "1x1 pixels; at least 2x2 are needed"),
    ("row.png", png_of(50, 1), ImageTooSmallError, "50x1 pixels"),
    ("wide.png", png_of(8001, 8000), ImageTooLargeError, "8001x8000 is 64,008,000 pixels; the"),
    ("bomb.png", png_of(60_000, 60_000), ImageTooLargeError, "limit"),
    ("moving.gif", frames("GIF"), ImageUnsupportedError, "animated or many-page GIF"),
    ("moving.webp", frames("WEBP"), ImageUnsupportedError, "animated or many-page WEBP"),
    ("moving.png", frames("PNG"), ImageUnsupportedError, "animated or many-page PNG"),
    ("pages.tif", frames("TIFF"), ImageUnsupportedError, "animated or many-page TIFF"),
]


@pytest.mark.parametrize(("name", "content", "error", "reason"), FILES, ids=[f[0] for f in FILES])
def test_bad_file_is_one_line_that_names_it(tmp_path, capfd, name, content, error, reason):
    """The class, the file and the reason; nothing on stderr."""
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(error) as caught:
        load_image(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")
    if content:
        with pytest.raises(error, match="from the queue: "):
            load_image(content, name="from the queue")


def test_directories_and_pipes_are_no_files(tmp_path):
    """A pipe without a writer would otherwise wait for ever."""
    with pytest.raises(ImageMissingError, match="is a directory"):
        load_image(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ImageMissingError, match="not a regular file"):
        load_image(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ImageMissingError, match="symbolic links"):
        load_image(tmp_path / "loop")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_cut_off_file_is_refused_not_filled_up(kind, share):
    """No half-gray image goes to a model, in any format."""
    data = SAMPLES[kind]
    with pytest.raises(ImageUnreadableError):
        load_image(data[: int(len(data) * share)])


@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=8),
    keep=st.floats(0.01, 1),
)
def test_damage_of_any_kind_never_raises_anything_else(kind, changes, keep):
    """Bytes overwritten and cut: pixels or an ImageError of one line."""
    data = bytearray(SAMPLES[kind])
    for place, value in changes:
        data[int(place * len(data))] = value
    text = ""
    try:
        gray = load_image(bytes(data[: max(1, int(keep * len(data)))]), max_pixels=1_000_000)
        assert gray.ndim == 2
        assert gray.size <= 1_000_000
    except ImageError as error:
        text = str(error)
    assert "\n" not in text


def test_size_is_refused_before_decoding():
    """A small file that claims 64 megapixels more costs no memory for them."""
    tracemalloc.start()
    with pytest.raises(ImageTooLargeError):
        load_image(png_of(12_000, 12_000))
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def test_limit_is_the_callers_and_inclusive():
    """Exactly the limit passes, for files, PIL images and arrays."""
    gray = np.zeros((10, 20), np.uint8)
    for source in (gray, Image.fromarray(gray), encoded(Image.fromarray(gray), "PNG")):
        assert load_image(source, max_pixels=200).shape == (10, 20)
        with pytest.raises(ImageTooLargeError, match="20x10 is 200 pixels; the limit is 199"):
            load_image(source, max_pixels=199)


BAD_ARRAYS = [
    # what, array, error
    ("no pixels", np.zeros((0, 9), np.uint8), ImageTooSmallError),
    ("one pixel", np.zeros((1, 1), np.uint8), ImageTooSmallError),
    ("a batch", np.zeros((2, 3, 9, 9), np.uint8), ImageUnsupportedError),
    ("a row", np.zeros(9, np.uint8), ImageUnsupportedError),
    ("two channels", np.zeros((9, 9, 2), np.uint8), ImageUnsupportedError),
    ("channels first", np.zeros((3, 9, 9), np.uint8), ImageUnsupportedError),
    ("int64", np.zeros((9, 9), np.int64), ImageUnsupportedError),
    ("floats to 255", np.full((9, 9), 255.0), ImageUnsupportedError),
    ("not a number", np.full((9, 9), np.nan), ImageUnsupportedError),
    ("objects", np.full((9, 9), None), ImageUnsupportedError),
]


@pytest.mark.parametrize(
    ("array", "error"), [c[1:] for c in BAD_ARRAYS], ids=[c[0] for c in BAD_ARRAYS]
)
def test_arrays_that_are_no_image(array, error):
    """Shape and type are refused, not guessed."""
    with pytest.raises(error, match="array of shape"):
        load_image(array)


def test_strip_is_no_line():
    """2 x 100,000 pixels would become 1.6 million pixels at height 32."""
    with pytest.raises(ImageTooLargeError, match=r"strip.png: 100000x2 is too wide for one line"):
        prepare_line(np.zeros((2, 100_000), np.uint8), LineSpec(), name="strip.png")


def test_odd_file_names_stay_on_one_line(tmp_path):
    """A line break or a byte that is no UTF-8 in a name is escaped; Chinese is not."""
    for name, shown in (
        ("a\nb.png", r"a\nb.png"),
        ("x\udcff", r"x\udcff"),
        ("朝阳.png", "朝阳.png"),
    ):
        with pytest.raises(ImageMissingError) as caught:
            load_image(tmp_path / name)
        assert str(caught.value).endswith(f"{shown}: no such file")


def test_path_that_no_system_takes():
    """A null byte, or a name that is far too long."""
    with pytest.raises(ImageMissingError, match="null"):
        load_image("a\0b.png")
    with pytest.raises(ImageMissingError, match="too long"):
        load_image("a" * 5000)


def test_errors_cross_process_pools():
    """Pickling keeps class, name and reason."""
    error = pickle.loads(pickle.dumps(ImageTooSmallError("a.png", "1x1 pixels")))
    assert type(error) is ImageTooSmallError
    assert str(error) == "a.png: 1x1 pixels"
