"""Every kind of image becomes the same upright gray pixels."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from ocr_preprocessing.load import load_image

# Smooth, with a different level in each corner, so that every turn of it is another picture.
ROWS, COLUMNS = 24, 60
GRAY = np.add.outer(np.linspace(10, 90, ROWS), np.linspace(0, 150, COLUMNS)).astype(np.uint8)


def colour() -> np.ndarray:
    """RGB (H, W, 3) whose BT.601 gray is not its mean."""
    return np.stack([GRAY, 255 - GRAY, np.full_like(GRAY, 30)], axis=2)


def luma(rgb: np.ndarray) -> np.ndarray:
    return np.rint(rgb[..., :3] @ np.array([0.299, 0.587, 0.114])).astype(np.int16)


def encoded(picture: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def assert_near(gray: np.ndarray, expected: np.ndarray, levels: int) -> None:
    assert gray.dtype == np.uint8
    assert gray.flags.c_contiguous
    assert gray.shape == expected.shape
    assert np.abs(gray.astype(np.int16) - expected).max() <= levels


FORMATS = [
    # format, options, gray levels that its compression may cost
    ("PNG", {}, 1),
    ("JPEG", {"quality": 95}, 8),
    ("JPEG", {"quality": 95, "progressive": True}, 8),
    ("WEBP", {"lossless": True}, 1),
    ("WEBP", {"quality": 95}, 8),
    ("TIFF", {}, 1),
    ("TIFF", {"compression": "tiff_lzw"}, 1),
    ("TIFF", {"compression": "jpeg", "quality": 95}, 8),
    ("BMP", {}, 1),
    ("PPM", {}, 1),
    ("JPEG2000", {}, 1),
]


@pytest.mark.parametrize(("kind", "options", "levels"), FORMATS)
def test_colour_of_each_format_becomes_bt601_gray(kind, options, levels):
    """0.299 R + 0.587 G + 0.114 B, within what the format's compression loses."""
    data = encoded(Image.fromarray(colour()), kind, **options)
    assert_near(load_image(data), luma(colour()), levels)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM"])
def test_gray_of_each_format_stays(kind):
    """A gray file keeps its levels."""
    data = encoded(Image.fromarray(GRAY), kind)
    assert_near(load_image(data), GRAY, 4 if kind in {"JPEG", "WEBP"} else 0)


MODES = [
    # mode, how near to the RGB picture's gray its own rounding leaves it
    ("1", None),
    ("L", 1),
    ("P", 12),
    ("CMYK", 1),
    ("YCbCr", 2),
    ("LAB", 8),
    ("HSV", 3),
    ("RGBA", 1),
    ("RGBX", 1),
    ("LA", 1),
]


@pytest.mark.parametrize(("mode", "levels"), MODES)
def test_every_mode_of_pillow(mode, levels):
    """PIL images of any mode: the gray of the same picture."""
    rgb = Image.fromarray(colour())
    made = {"LA": lambda: rgb.convert("L").convert("LA"), "P": rgb.quantize}
    gray = load_image(made[mode]() if mode in made else rgb.convert(mode))
    if levels is None:
        assert set(np.unique(gray)) == {0, 255}
    else:
        assert_near(gray, luma(colour()), levels)
    assert gray.shape == (ROWS, COLUMNS)


def test_cmyk_jpeg_is_not_inverted():
    """Adobe's CMYK JPEGs store inverted inks: white paper stays white."""
    white = Image.new("CMYK", (COLUMNS, ROWS), (0, 0, 0, 0))
    assert load_image(encoded(white, "JPEG")).min() > 250


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_gray_keeps_the_upper_byte(kind):
    """Divided by 257: 0 is black and 65535 is white."""
    deep = Image.fromarray(GRAY.astype(np.uint16) * 257)
    assert_near(load_image(encoded(deep, kind)), GRAY, 0)


def test_sixteen_bit_colour_png():
    """As OpenCV writes it."""
    _, data = cv2.imencode(".png", colour()[..., ::-1].astype(np.uint16) * 257)
    assert_near(load_image(data.tobytes()), luma(colour()), 1)


TRANSPARENT = [
    # format, mode before saving
    ("PNG", "RGBA"),
    ("PNG", "LA"),
    ("PNG", "P"),
    ("WEBP", "RGBA"),
    ("TIFF", "RGBA"),
    ("GIF", "RGBA"),
]


@pytest.mark.parametrize(("kind", "mode"), TRANSPARENT)
def test_transparent_pixels_are_white_paper(kind, mode):
    """Black ink, transparent elsewhere: the paper is white, the ink stays black."""
    alpha = np.where(np.arange(COLUMNS) < 20, 255, 0).astype(np.uint8) + np.zeros_like(GRAY)
    layers = np.dstack([np.zeros((ROWS, COLUMNS, 3), np.uint8), alpha])
    picture = Image.fromarray(layers)
    options = {"lossless": True} if kind == "WEBP" else {}
    if mode == "P":
        picture, options = picture.quantize(4), {}
    gray = load_image(encoded(picture if mode == "P" else picture.convert(mode), kind, **options))
    assert (gray[:, :20] == 0).all()
    assert (gray[:, 20:] == 255).all()


def test_half_transparent_is_half_white():
    """Alpha is blended, not cut."""
    layers = np.dstack([np.zeros((4, 4, 3), np.uint8), np.full((4, 4), 128, np.uint8)])
    assert (load_image(Image.fromarray(layers)) == 127).all()
    assert (load_image(layers) == 127).all()


def test_colour_key_of_a_png_is_transparent():
    """A tRNS chunk in an RGB or gray PNG."""
    rgb = Image.new("RGB", (4, 4), (0, 0, 0))
    assert (load_image(encoded(rgb, "PNG", transparency=(0, 0, 0))) == 255).all()
    gray = Image.new("L", (4, 4), 7)
    assert (load_image(encoded(gray, "PNG", transparency=7)) == 255).all()


TURNS = {
    # EXIF orientation -> how a camera stored an upright picture
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: a.T,
    6: lambda a: np.rot90(a, 1),
    7: lambda a: np.rot90(a, 2).T,
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_orientation_is_undone(kind, orientation):
    """A photo comes out upright, once: formats that Pillow turns itself are not turned twice."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(TURNS[orientation](GRAY)))
    data = encoded(stored, kind, exif=exif)
    assert_near(load_image(data), GRAY, 8)
    with Image.open(io.BytesIO(data)) as picture:
        assert_near(load_image(picture), GRAY, 8)


def test_senseless_orientation_is_ignored():
    """0, 9 and text are written by careless software."""
    exif = Image.Exif()
    exif[0x0112] = 9
    assert_near(load_image(encoded(Image.fromarray(GRAY), "PNG", exif=exif)), GRAY, 0)


ARRAYS = [
    # what, array, expected gray
    ("gray", GRAY, GRAY),
    ("one channel", GRAY[..., None], GRAY),
    ("BGR", colour()[..., ::-1], luma(colour())),
    ("BGRA", np.dstack([colour()[..., ::-1], np.full_like(GRAY, 255)]), luma(colour())),
    ("uint16", GRAY.astype(np.uint16) * 257, GRAY),
    ("float32 in 0..1", (GRAY / 255).astype(np.float32), GRAY),
    ("float64 colour", colour()[..., ::-1] / 255, luma(colour())),
    ("bool", GRAY > 100, (GRAY > 100) * np.int16(255)),
    ("a view", np.repeat(GRAY, 2, axis=1)[:, ::2], GRAY),
    ("upside down view", GRAY[::-1][::-1], GRAY),
    ("read only", np.frombuffer(GRAY.tobytes(), np.uint8).reshape(GRAY.shape), GRAY),
]


@pytest.mark.parametrize(("array", "expected"), [c[1:] for c in ARRAYS], ids=[c[0] for c in ARRAYS])
def test_arrays_as_opencv_has_them(array, expected):
    """Three channels are BGR; the caller's array is not changed."""
    before = array.copy()
    assert_near(load_image(array), expected, 1)
    assert np.array_equal(array, before)


def test_path_text_bytes_and_buffers_read_the_same(tmp_path: Path):
    """However the file is handed over."""
    path = tmp_path / "朝阳区 line.png"
    data = encoded(Image.fromarray(GRAY), "PNG")
    path.write_bytes(data)
    for source in (path, str(path), data, bytearray(data), memoryview(data)):
        assert np.array_equal(load_image(source), GRAY)


def test_phone_photo_with_a_second_picture_is_one_photo():
    """MPO: the further pictures are previews or depth, not pages."""
    picture = Image.fromarray(colour())
    data = encoded(picture, "MPO", save_all=True, append_images=[picture.resize((30, 12))])
    assert_near(load_image(data), luma(colour()), 8)


def test_callers_picture_is_left_as_it_was():
    """A PIL image keeps mode, size and frame; the current frame is read."""
    frames = [Image.new("L", (4, 4), level) for level in (10, 200)]
    with Image.open(
        io.BytesIO(encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:]))
    ) as tiff:
        tiff.seek(1)
        assert (load_image(tiff) == 200).all()
        assert tiff.tell() == 1
    with Image.open(io.BytesIO(encoded(Image.fromarray(colour()), "JPEG"))) as jpeg:
        load_image(jpeg)
        assert jpeg.mode == "RGB"
