"""Made lines as files: PNG images before preprocessing, and labels.tsv with the truth."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

import cv2

from ocr_preprocessing.fast import Gray
from ocr_training.lines import KINDS, LineMaker

COLUMNS = ("file", "text", "category", "lang", "source")


def write_dataset(maker: LineMaker, out: Path, *, count: int, seed: int) -> int:
    """`count` lines of each kind. Returns how many were written.

    Raises FileExistsError when `out` holds a labels.tsv: a data set is never mixed with another.
    """
    made = (
        (kind, i, *_image_and_text(maker, seed, 1000 * k + i, kind))
        for k, kind in enumerate(KINDS)
        for i in range(count)
    )
    return write_lines(made, out)


def write_lines(lines: Iterable[tuple[str, int, Gray, str]], out: Path) -> int:
    """(category, number, gray image, text) as PNG files and labels.tsv; errors as above."""
    labels = out / "labels.tsv"
    if labels.exists():
        raise FileExistsError(f"{labels} exists; take another folder")
    out.mkdir(parents=True, exist_ok=True)
    written = 0
    with labels.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None)
        rows.writerow(COLUMNS)
        for category, number, image, text in lines:
            name = f"{category}_{number:04d}.png".replace(" ", "-").replace("%", "percent")
            cv2.imwrite(str(out / name), image)
            rows.writerow((name, text, category, language(text), "made"))
            written += 1
    return written


def _image_and_text(maker: LineMaker, seed: int, index: int, kind: str) -> tuple[Gray, str]:
    image, line = maker.raw(seed, index, kind)
    return image, line.text


def language(text: str) -> str:
    """Is zh when any Han character stands in it, en when any letter does, else num."""
    if any("\u4e00" <= character <= "\u9fff" for character in text):
        return "zh"
    return "en" if any(character.isalpha() for character in text) else "num"
