"""What is wrong with an image, one line each. The fault is always the caller's.

ImageError                 base; `reason` is the text without the name
├── ImageMissingError      nothing at that path, or nothing that may be read
├── ImageUnreadableError   empty, cut off, or not an image
├── ImageUnsupportedError  an image, but animated, of many pages, or of an odd pixel type
├── ImageTooSmallError     fewer than 2x2 pixels
└── ImageTooLargeError     more pixels than allowed, or a line far wider than it is high
"""

from __future__ import annotations


class ImageError(ValueError):
    """An image that cannot be read. `str()` is one line: `name: reason`."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = printable(name)
        self.reason = printable(reason)
        super().__init__(f"{self.name}: {self.reason}")

    def __reduce__(self) -> tuple[type[ImageError], tuple[str, str]]:
        """Pickles by its two parts, so that it crosses process pools."""
        return type(self), (self.name, self.reason)


class ImageMissingError(ImageError):
    """Nothing at that path, or nothing that may be read."""


class ImageUnreadableError(ImageError):
    """Empty, cut off, or not an image."""


class ImageUnsupportedError(ImageError):
    """An image, but animated, of many pages, or of an odd pixel type."""


class ImageTooSmallError(ImageError):
    """Fewer than 2x2 pixels."""


class ImageTooLargeError(ImageError):
    """More pixels than allowed, or a line far wider than it is high."""


def printable(text: str) -> str:
    """The text on one line: line breaks, control characters and lone surrogates escaped."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)
