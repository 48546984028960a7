"""Labelled line images: a labels.tsv, as `ocrctl train lines` and the real data have it."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
from pathlib import Path

from ocr_preprocessing.fast import Gray
from ocr_preprocessing.load import load_image

UPPER = "receipt"  # this category's labels are upper-case whatever the paper says


@dataclasses.dataclass(frozen=True)
class Sample:
    """image: gray (H, W) UINT8, as it was taken. key: SHA-256 of the file."""

    image: Gray
    truth: str
    category: str
    lang: str
    key: str


def load(labels: Path) -> list[Sample]:
    """Raises ValueError on missing columns, OSError or ImageError on missing files."""
    with labels.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    if not rows or not {"file", "text", "category", "lang"} <= rows[0].keys():
        raise ValueError(f"{labels}: needs the columns file, text, category, lang")
    samples = []
    for row in rows:
        content = (labels.parent / row["file"]).read_bytes()
        samples.append(
            Sample(
                load_image(content, name=row["file"]),
                row["text"],
                row["category"],
                row["lang"],
                hashlib.sha256(content).hexdigest(),
            )
        )
    return samples
