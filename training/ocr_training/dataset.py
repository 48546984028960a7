"""Made lines as files: PNG images before preprocessing, and labels.tsv with the truth."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2

from ocr_training.lines import KINDS, LineMaker

COLUMNS = ("file", "text", "category", "lang", "source")


def write_dataset(maker: LineMaker, out: Path, *, count: int, seed: int) -> int:
    """`count` lines of each kind. Returns how many were written.

    Raises FileExistsError when `out` holds a labels.tsv: a data set is never mixed with another.
    """
    labels = out / "labels.tsv"
    if labels.exists():
        raise FileExistsError(f"{labels} exists; take another folder")
    out.mkdir(parents=True, exist_ok=True)
    with labels.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None)
        rows.writerow(COLUMNS)
        for k, kind in enumerate(KINDS):
            for i in range(count):
                image, line = maker.raw(seed, 1000 * k + i, kind)
                name = f"{kind}_{i:04d}.png"
                cv2.imwrite(str(out / name), image)
                rows.writerow((name, line.text, kind, language(line.text), "made"))
    return count * len(KINDS)


def language(text: str) -> str:
    """Is zh when any Han character stands in it, en when any letter does, else num."""
    if any("\u4e00" <= character <= "\u9fff" for character in text):
        return "zh"
    return "en" if any(character.isalpha() for character in text) else "num"
