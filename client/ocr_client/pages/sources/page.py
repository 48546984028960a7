"""One page that may be read, wherever it lies. Nothing is decoded before it is asked for."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from PIL import Image, ImageOps

from ocr_client.errors import BadImageError, PageError
from ocr_preprocessing.errors import ImageError
from ocr_preprocessing.load import FORMATS, Source, load_image

from .layer import LayerPage

DPI: Final = 200.0  # of pictures that do not say
DPI_SENSIBLE: Final = (50.0, 2_400.0)


class Page(Protocol):
    """Safe to use in another thread than the one that found it.

    file: as people call where it comes from. number, count: which page of how many, from 1 on;
    1 of 1 for an image.
    """

    @property
    def file(self) -> str: ...

    @property
    def number(self) -> int: ...

    @property
    def count(self) -> int: ...

    def source(self) -> Source:
        """For `OCRClient.recognize_page`. Raises BadImageError."""

    def picture(self) -> tuple[Image.Image, float]:
        """Upright, in colours where it has some, as large as `source`; and its dots per inch.

        Raises BadImageError.
        """

    def layer(self) -> LayerPage | None:
        """The text that it holds already. Raises BadImageError."""

    def close(self) -> None:
        """No page of its file is asked for anything any more."""


class ImagePage:
    """An image file, or the bytes of one."""

    number = 1
    count = 1

    def __init__(self, file: str, content: bytes | None, max_pixels: int) -> None:
        """content: None where `file` is a path."""
        self.file = file
        self._content = content
        self._max_pixels = max_pixels

    def source(self) -> Source:
        if self._content is None:
            return self.file
        try:
            return load_image(self._content, max_pixels=self._max_pixels, name=self.file)
        except ImageError as error:
            raise BadImageError.of(error) from error

    def picture(self) -> tuple[Image.Image, float]:
        where = self.file if self._content is None else io.BytesIO(self._content)
        return opened(lambda: Image.open(where, formats=FORMATS), self.file)

    def layer(self) -> LayerPage | None:
        return None

    def close(self) -> None:
        """Nothing is open."""


def opened(open_one: Callable[[], Image.Image], name: str) -> tuple[Image.Image, float]:
    """Upright, and its dots per inch. Its size was looked at before. Raises BadImageError."""
    try:
        with open_one() as found:
            dpi = _dpi(found)
            picture = ImageOps.exif_transpose(found)
            picture.load()
            return picture, dpi
    except Exception as error:  # decoders raise all sorts on damaged data
        reason = " ".join(str(error).split())
        raise PageError.at(Path(name).name, f"cannot be shown ({reason})") from error


def _dpi(picture: Image.Image) -> float:
    try:
        dpi = float(picture.info.get("dpi", (DPI, DPI))[0])
    except (TypeError, ValueError, IndexError, ZeroDivisionError):
        return DPI
    least, most = DPI_SENSIBLE
    # 72 and 96 are what programs write that know of no paper.
    return dpi if least <= dpi <= most and round(dpi) not in {72, 96} else DPI
