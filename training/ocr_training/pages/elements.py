"""What several kinds of pages have: running text, pictures, tables."""

from __future__ import annotations

import cv2
import numpy as np

from ocr_training.lines import Typeface
from ocr_training.numerals import number

from .sheet import Sheet


def running(sheet: Sheet, count: int) -> str:
    """Running text of about `count` characters."""
    parts: list[str] = []
    kind = "scan"
    while sum(map(len, parts)) < count:
        parts.append(sheet.maker.corpus.text(sheet.rng, kind, min(30, count)))
    joint = " " if parts[0].isascii() else ""
    return joint.join(part for part in parts if part.isascii() == parts[0].isascii())


def picture(sheet: Sheet, left: float, top: float, right: float, bottom: float) -> None:
    """A photograph: smooth and fine structures of chance."""
    x0, y0, x1, y1 = (round(side) for side in (left, top, right, bottom))
    size = (x1 - x0, y1 - y0)
    rng = sheet.rng
    picture = np.full(size[::-1], rng.uniform(60, 190), np.float32)
    for cells, depth in ((4, 50.0), (16, 25.0), (60, 12.0)):
        shape = (max(2, cells * size[1] // max(size)), max(2, cells * size[0] // max(size)))
        coarse = rng.standard_normal(shape, dtype=np.float32) * np.float32(depth)
        picture += cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
    sheet.pixels[y0:y1, x0:x1] = np.clip(picture, 0, 255)[: sheet.rows - y0, : sheet.columns - x0]


def table(sheet: Sheet, face: Typeface, left: float, right: float, top: float, em: float) -> float:
    """A table with or without rules; returns where it ends. One block, read row by row."""
    rng = sheet.rng
    sheet.next_block()
    columns = int(rng.integers(2, 1 + max(2, min(6, int((right - left) / (6 * em))))))
    edges = np.linspace(left, right, columns + 1)
    rows = int(rng.integers(3, 8))
    pitch = em * rng.uniform(1.5, 2.4)
    ruled, thick = rng.random(), max(1.0, em / rng.uniform(10, 24))
    inverse = rng.random() < 0.25
    to_the_right = [bool(column) and rng.random() < 0.6 for column in range(columns)]
    for row in range(rows):
        y = top + row * pitch
        if row == 0 and inverse:
            sheet.rule(left, y, right, y + pitch, ink=float(rng.uniform(10, 90)))
        for column in range(columns):
            text = number(rng) if column and row else sheet.maker.corpus.text(rng, "scan", 4)
            sheet.set_line(
                text,
                face,
                across=(edges[column] + 0.5 * em, edges[column + 1] - 0.7 * em),
                top=y + (pitch - 1.2 * em) / 2,
                size=em,
                align="right" if to_the_right[column] else "left",
                ink=float(rng.uniform(225, 255)) if row == 0 and inverse else 20.0,
                cell=(sheet.block, row, column),
            )
    bottom = top + rows * pitch
    if ruled < 0.7:
        for row in range(rows + 1):
            sheet.rule(left, top + row * pitch, right, top + row * pitch + thick)
    if ruled < 0.5:
        for edge in edges.tolist():
            sheet.rule(edge, top, edge + thick, bottom + thick)
    sheet.next_block()
    return float(bottom)
