"""One number for a set on disk: of the same seed, fonts and libraries, the same."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ocr_evaluation.labels import NAME, load


def digest(folder: Path) -> str:
    """SHA-256 of labels.tsv and the images that it names. Raises DatasetError, OSError."""
    whole = hashlib.sha256()
    for name in (NAME, *(line.file for line in load(folder).lines)):
        content = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        whole.update(f"{content}  {name}\n".encode())
    return whole.hexdigest()
