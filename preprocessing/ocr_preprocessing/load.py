"""Anything that holds an image -> gray pixels. The size is known before anything is decoded."""

from __future__ import annotations

import io
import os
import stat
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from .errors import (
    ImageError,
    ImageMissingError,
    ImageTooLargeError,
    ImageTooSmallError,
    ImageUnreadableError,
    ImageUnsupportedError,
)
from .fast import Gray

Source = str | os.PathLike[str] | bytes | bytearray | memoryview | npt.NDArray[Any] | Image.Image

MAX_PIXELS = 64_000_000
LEAST_SIDE = 2  # pixels

# Named, because Pillow's full list holds formats that start other programs (EPS) or that are
# no pictures at all. "JPEG" opens MPO too, which many phones write into a .jpg.
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "JPEG2000")
PDF_HEAD = 1_024  # bytes, somewhere in which a PDF says that it is one
MAGIC = (b"\xff\xd8", b"\x89PNG", b"RIFF", b"II*\0", b"MM\0*", b"BM", b"GIF8")

ORIENTATION_TAG = 0x0112
UPRIGHT: dict[int, Callable[[Gray], Gray]] = {  # EXIF 2.3, table 6
    2: lambda gray: gray[:, ::-1],
    3: lambda gray: gray[::-1, ::-1],
    4: lambda gray: gray[::-1],
    5: lambda gray: gray.T,
    6: lambda gray: gray.T[:, ::-1],
    7: lambda gray: gray[::-1, ::-1].T,
    8: lambda gray: gray.T[::-1],
}

# Our own limit stands in front of Pillow's, and damage ends in an error, so its warnings would
# only be noise on stderr. Set once: `catch_warnings` around each call is not safe in threads.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.TiffImagePlugin")


def load_image(source: Source, *, max_pixels: int = MAX_PIXELS, name: str | None = None) -> Gray:
    """Raises ImageError, one line that names the image and what is wrong with it.

    source: a path, the bytes of a file, a PIL image (its current frame), or an array (H, W),
        (H, W, 1), (H, W, 3) in BGR or (H, W, 4) in BGRA as OpenCV gives it, of uint8, uint16,
        bool, or floats in 0..1.
    max_pixels: height times width allowed; looked up in the header, before decoding.
    name: what an error calls the image; the path, where nothing is given.

    Returns (H, W) UINT8, 0 black, contiguous, upright by EXIF, transparency on white. Gray is
    0.299 R + 0.587 G + 0.114 B (ITU-R BT.601). 16-bit pixels are divided by 257.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source, name or f"array of shape {source.shape}", max_pixels)
    if isinstance(source, Image.Image):
        return _from_picture(source, name or f"PIL image of mode {source.mode}", max_pixels)
    if isinstance(source, bytes | bytearray | memoryview):
        title = name or f"image of {len(source)} bytes"
        if not source:
            raise ImageUnreadableError(name or "image bytes", "empty")
        return _from_file(io.BytesIO(source), title, max_pixels)
    title = name or os.fspath(source)
    try:
        with _open_file(Path(source), title) as file:
            return _from_file(file, title, max_pixels)
    except ImageError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a null byte, which no system takes
        raise _unopened(title, error) from error


def _open_file(path: Path, name: str) -> IO[bytes]:
    facts = path.stat()  # first: opening a pipe would wait for a writer
    if stat.S_ISDIR(facts.st_mode):
        raise ImageMissingError(name, "is a directory, not an image file")
    if not stat.S_ISREG(facts.st_mode):
        raise ImageMissingError(name, "is not a regular file")
    if not facts.st_size:
        raise ImageUnreadableError(name, "the file is empty")
    return path.open("rb")


def _unopened(name: str, error: OSError | ValueError) -> ImageError:
    if isinstance(error, FileNotFoundError):
        return ImageMissingError(name, "no such file")
    return ImageMissingError(name, getattr(error, "strerror", None) or str(error))


def _from_file(file: IO[bytes], name: str, max_pixels: int) -> Gray:
    try:
        picture = Image.open(file, formats=FORMATS)
    except Image.DecompressionBombError:
        raise ImageTooLargeError(name, f"more pixels than the limit of {max_pixels:,}") from None
    except UnidentifiedImageError:
        raise _unidentified(file, name) from None
    except Exception as error:  # parsers raise all sorts on damaged headers
        raise ImageUnreadableError(name, f"damaged image header ({error})") from error
    with picture:
        _check_size(name, picture.height, picture.width, max_pixels)
        # The further pictures in an MPO are a phone's depth map or preview, not pages.
        if picture.format != "MPO" and _has_frames(picture, name):
            raise ImageUnsupportedError(
                name, f"animated or many-page {picture.format}; give one frame or page at a time"
            )
        if picture.format in {"JPEG", "MPO"} and picture.mode == "RGB":
            picture.draft("L", picture.size)  # the decoder's own luma: no colour pass at all
        return _from_picture(picture, name, max_pixels)


def _unidentified(file: IO[bytes], name: str) -> ImageError:
    file.seek(0)
    head = file.read(PDF_HEAD)
    if head.startswith(MAGIC):
        return ImageUnreadableError(name, "the image is cut off or damaged in its header")
    if b"%PDF-" in head:
        return ImageUnreadableError(name, "a PDF, not an image; give one image of each page")
    return ImageUnreadableError(
        name, "not an image (JPEG, PNG, WebP, TIFF, BMP, GIF, PNM and JPEG 2000 are read)"
    )


def _has_frames(picture: Image.Image, name: str) -> bool:
    try:
        return bool(getattr(picture, "is_animated", False))
    except Exception as error:  # a GIF looks for its second frame in the data
        raise ImageUnreadableError(name, f"cut off or damaged ({error})") from error


def _check_size(name: str, rows: int, columns: int, max_pixels: int) -> None:
    if rows * columns > max_pixels:
        raise ImageTooLargeError(
            name, f"{columns}x{rows} is {rows * columns:,} pixels; the limit is {max_pixels:,}"
        )
    if min(rows, columns) < LEAST_SIDE:
        raise ImageTooSmallError(
            name, f"{columns}x{rows} pixels; at least {LEAST_SIDE}x{LEAST_SIDE} are needed"
        )


def _from_picture(picture: Image.Image, name: str, max_pixels: int) -> Gray:
    _check_size(name, picture.height, picture.width, max_pixels)
    try:
        picture.load()
        # After load(): a TIFF turns itself upright there, and drops the tag.
        orientation = picture.getexif().get(ORIENTATION_TAG)
        gray = _gray_levels(picture, name)
    except ImageError:
        raise
    except Exception as error:  # decoders raise all sorts on damaged data
        raise ImageUnreadableError(name, f"cut off or damaged ({error})") from error
    turn = UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return np.ascontiguousarray(turn(gray) if turn else gray)


def _gray_levels(picture: Image.Image, name: str) -> Gray:
    """(H, W) UINT8 of any mode that Pillow has."""
    mode = picture.mode
    if mode.startswith("I;16") or mode in {"I", "F"}:
        # `I` is how Pillow before 11.3 opens a 16-bit PNG. No clue to other ranges exists.
        array = np.asarray(picture)
        deep = array if mode == "F" else _as_16_bit(array, name)
        return _to_8_bit(deep, name)
    if mode == "L" and "transparency" not in picture.info:
        return np.asarray(picture, np.uint8)
    if picture.has_transparency_data or mode in {"La", "RGBa"}:
        layers = np.asarray(picture.convert("RGBA").convert("LA"), np.uint8)
        return _on_white(layers[..., 0], layers[..., 1])
    if mode not in {"1", "L", "RGB"}:
        picture = picture.convert("RGB")
    return np.asarray(picture.convert("L"), np.uint8)


def _as_16_bit(array: npt.NDArray[Any], name: str) -> npt.NDArray[np.uint16]:
    if array.dtype != np.uint16 and not 0 <= array.min() <= array.max() <= 0xFFFF:
        raise ImageUnsupportedError(name, "32-bit integer pixels outside 0..65535")
    return array.astype(np.uint16)


def _from_array(array: npt.NDArray[Any], name: str, max_pixels: int) -> Gray:
    if array.ndim not in {2, 3} or (array.ndim == 3 and array.shape[2] not in {1, 3, 4}):
        raise ImageUnsupportedError(name, "arrays must be (H, W) or (H, W, 1, 3 or 4)")
    _check_size(name, array.shape[0], array.shape[1], max_pixels)
    pixels = _to_8_bit(array, name)
    if pixels.ndim == 2:
        return np.ascontiguousarray(pixels)
    if pixels.shape[2] == 1:
        return np.ascontiguousarray(pixels[..., 0])
    pixels = np.ascontiguousarray(pixels)  # OpenCV takes no negative strides
    if pixels.shape[2] == 3:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)
    return _on_white(
        np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGRA2GRAY), np.uint8), pixels[..., 3]
    )


def _to_8_bit(array: npt.NDArray[Any], name: str) -> Gray:
    if array.dtype == np.uint8:
        return np.asarray(array, np.uint8)
    if array.dtype == np.uint16:
        return np.asarray((array.astype(np.uint32) + 128) // 257, np.uint8)
    if array.dtype == np.bool_:
        return np.asarray(array * np.uint8(255), np.uint8)
    if np.issubdtype(array.dtype, np.floating):
        low, high = float(array.min()), float(array.max())
        if not 0.0 <= low <= high <= 1.0:  # not-a-number fails here too
            raise ImageUnsupportedError(
                name, f"float pixels must lie in 0..1, these reach {low:g}..{high:g}"
            )
        return np.asarray(np.rint(array * 255.0), np.uint8)
    raise ImageUnsupportedError(
        name, f"pixels of type {array.dtype}; uint8, uint16, bool and floats in 0..1 are read"
    )


def _on_white(gray: Gray, alpha: Gray) -> Gray:
    """Gray levels (H, W) over white paper, `alpha` 0 transparent .. 255 opaque."""
    opaque = alpha.astype(np.uint16)
    return np.asarray((gray * opaque + (255 - opaque) * np.uint16(255) + 127) // 255, np.uint8)
