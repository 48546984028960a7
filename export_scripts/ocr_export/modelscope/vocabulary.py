"""vocab.txt: one character a line, and which class of the network each is."""

from __future__ import annotations

from pathlib import Path

from ocr_export.alphabet import BLANK
from ocr_export.checkpoint import CheckpointError

# A class that stands for no character. Answers that hold it count as garbled, which they are.
NO_CHARACTER = 0xFFFD


def read_codepoints(
    path: Path, *, classes: int, first_label: int, spare: int = 0
) -> tuple[int, ...]:
    """The code point of every class: 0 for the blank, U+FFFD for a class without a character.

    first_label: the class of the first line. spare: classes behind the last line that may be left.
    Raises CheckpointError, one line naming the file.
    """
    lines = _lines(path)
    most = classes - first_label
    if not most - spare <= len(lines) <= most:
        wanted = " or ".join(f"{count:,}" for count in range(most, most - spare - 1, -1))
        raise CheckpointError(
            f"{path}: {len(lines):,} characters, but {wanted} are needed:"
            f" {classes:,} classes, of which number {first_label} is the first character"
        )
    for number, line in enumerate(lines, start=1):
        if len(line) != 1 or line == chr(BLANK):
            raise CheckpointError(f"{path}: line {number} holds {line!r}, not one character")
    before = [BLANK] + [NO_CHARACTER] * (first_label - 1)
    behind = [NO_CHARACTER] * (most - len(lines))
    return (*before, *map(ord, lines), *behind)


def _lines(path: Path) -> list[str]:
    """Broken at line feeds alone: the character of a line may be one that `splitlines` breaks at."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise CheckpointError(f"{path}: not UTF-8 text") from None
    return text.removesuffix("\n").split("\n") if text else []
