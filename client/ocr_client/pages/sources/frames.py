"""Pages of a TIFF with several frames."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from typing import Final

from PIL import Image

from ocr_client.errors import BadImageError, PageError
from ocr_preprocessing.errors import ImageError
from ocr_preprocessing.fast import Gray
from ocr_preprocessing.load import load_image

from .layer import LayerPage
from .page import opened
from .ranges import PageRanges, asked_for

MAX_FRAMES: Final = 1_000
_MAGIC: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def is_tiff(head: bytes) -> bool:
    return head.startswith(_MAGIC)


class TiffFile:
    """An open TIFF. count: frames, as far as the file can be followed; at most MAX_FRAMES + 1."""

    def __init__(self, file: str, content: bytes | None, max_pixels: int) -> None:
        """Raises PageError. content: None where `file` is a path."""
        self.file = file
        self.max_pixels = max_pixels
        self._lock = threading.Lock()  # a frame is sought and decoded in one open file
        try:
            where = file if content is None else io.BytesIO(content)
            self._image = Image.open(where, formats=("TIFF",))
            self.count = self._counted()
        except Exception as error:
            reason = " ".join(str(error).split())
            raise PageError.at(file, f"is no TIFF that can be read ({reason})") from error

    def pages(self, wanted: PageRanges | None) -> Iterator[TiffPage]:
        """Raises PageError where none of the wanted are there, or too many."""
        if wanted is None and self.count > MAX_FRAMES:
            reason = f"has more than {MAX_FRAMES:,} pages; ask for some: --pages 1-{MAX_FRAMES}"
            raise PageError.at(self.file, reason)
        for number in asked_for(wanted, self.file, self.count):
            yield TiffPage(self, number)

    def gray(self, number: int) -> Gray:
        name = f"{self.file} page {number}"
        try:
            with self._lock:
                self._image.seek(number - 1)
                return load_image(self._image, max_pixels=self.max_pixels, name=name)
        except ImageError as error:
            raise BadImageError.of(error) from error
        except Exception as error:
            reason = " ".join(str(error).split())
            raise PageError.at(name, f"cut off or damaged ({reason})") from error

    def picture(self, number: int) -> tuple[Image.Image, float]:
        def frame() -> Image.Image:
            self._image.seek(number - 1)
            copy = self._image.copy()
            copy.info.update(self._image.info)
            return copy

        with self._lock:
            return opened(frame, self.file)

    def close(self) -> None:
        with self._lock:
            self._image.close()

    def _counted(self) -> int:
        count = 1
        while count <= MAX_FRAMES:
            try:
                self._image.seek(count)
            except EOFError:
                break
            count += 1
        self._image.seek(0)
        return count


class TiffPage:
    """See `Page`."""

    def __init__(self, tiff: TiffFile, number: int) -> None:
        self._tiff = tiff
        self.number = number
        self.file = tiff.file
        self.count = tiff.count

    def source(self) -> Gray:
        return self._tiff.gray(self.number)

    def picture(self) -> tuple[Image.Image, float]:
        return self._tiff.picture(self.number)

    def layer(self) -> LayerPage | None:
        return None

    def close(self) -> None:
        self._tiff.close()
