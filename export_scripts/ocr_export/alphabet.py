"""The characters our recognisers know, in class order, from one committed text file."""

from __future__ import annotations

import functools
import hashlib
from importlib import resources

BLANK = 0  # the CTC blank's class; characters start at class 1


@functools.cache
def characters() -> str:
    """Character of class k at index k - 1. Raises ValueError when the file was damaged."""
    text = _file_bytes().decode("utf-8")
    lines = text.removesuffix("\n").split("\n")
    if any(len(line) != 1 for line in lines) or len(set(lines)) != len(lines):
        raise ValueError("alphabet.txt: every line must hold one character, and each only once")
    return "".join(lines)


@functools.cache
def class_of() -> dict[str, int]:
    """Class 1..N of each character."""
    return {character: index for index, character in enumerate(characters(), start=1)}


@functools.cache
def codepoints() -> tuple[int, ...]:
    """The code point of every class; 0 for the blank."""
    return (BLANK, *map(ord, characters()))


def class_count() -> int:
    """Classes with the blank."""
    return len(characters()) + 1


def digest() -> str:
    """SHA-256 of the file: models trained with different alphabets must never be mixed."""
    return hashlib.sha256(_file_bytes()).hexdigest()


def digest_of(codepoints: tuple[int, ...]) -> str:
    """The digest of a file of these characters, one a line; the first class, the blank, has none."""
    lines = "".join(f"{chr(code)}\n" for code in codepoints[1:])
    return hashlib.sha256(lines.encode()).hexdigest()


def _file_bytes() -> bytes:
    return resources.files("ocr_export").joinpath("alphabet.txt").read_bytes()
