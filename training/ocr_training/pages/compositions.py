"""What stands on paper and where: articles, receipts, forms and vertical pages.

Each fills a sheet whose paper is there already. All sizes follow from one: the em of its text.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ocr_training.layout import Style
from ocr_training.lines import Typeface

from .elements import picture, running, table
from .sheet import Sheet

Compose = Callable[[Sheet, float], None]


def article(sheet: Sheet, em: float) -> None:
    """A title over one, two or three columns of paragraphs, now and then a picture or a table."""
    rng = sheet.rng
    face = sheet.maker.typeface(rng, "scan")
    margin = sheet.columns * rng.uniform(0.06, 0.12)
    right = sheet.columns - margin
    y = sheet.rows * rng.uniform(0.03, 0.07)
    if rng.random() < 0.5:
        text = sheet.maker.corpus.text(rng, "scan", 12)
        sheet.set_line(text, face, across=(margin, right), top=y, size=0.8 * em)
        page = f"{rng.integers(1, 400)}"
        sheet.set_line(page, face, across=(margin, right), top=y, size=0.8 * em, align="right")
        y += 2.4 * em
        if rng.random() < 0.4:
            sheet.rule(margin, y - 0.8 * em, right, y - 0.8 * em + max(1.0, em / 14))
    if rng.random() < 0.8:
        sheet.next_block()
        size = em * rng.uniform(1.4, 2.6)
        title = sheet.maker.corpus.text(rng, "sign", int(rng.integers(6, 14)))
        heading = sheet.maker.typeface(rng, "scan")
        sheet.set_line(title, heading, across=(margin, right), top=y, size=size, align="centre")
        y += 1.9 * size
    count = int(rng.choice((1, 1, 2, 2, 3)))
    if sheet.columns < 34 * em * count:
        count = max(1, int(sheet.columns / (34 * em)))
    gutter = em * rng.uniform(1.6, 3.0)
    width = (right - margin - gutter * (count - 1)) / count
    bottom = sheet.rows - margin * rng.uniform(0.5, 1.2)
    pitch = em * rng.uniform(1.35, 2.0)
    for i in range(count):
        left = margin + i * (width + gutter)
        if i and rng.random() < 0.2:
            sheet.rule(left - gutter / 2, y, left - gutter / 2 + max(1.0, em / 20), bottom)
        sheet.next_block()
        _column(sheet, face, left, left + width, y, bottom, em, pitch)


def _column(
    sheet: Sheet,
    face: Typeface,
    left: float,
    right: float,
    top: float,
    bottom: float,
    em: float,
    pitch: float,
) -> None:
    """Paragraphs from top to bottom, each of full lines but the last."""
    rng = sheet.rng
    full = max(4, int((right - left) / em))
    y = top
    while y + pitch < bottom:
        roll = rng.random()
        if roll < 0.06 and y + 12 * em < bottom:
            picture(sheet, left, y, right, y + 9 * em)
            y += 11 * em
            sheet.next_block()
            continue
        if roll < 0.12 and y + 12 * em < bottom and right - left > 18 * em:
            y = table(sheet, face, left, right, y, em) + 1.2 * em
            sheet.next_block()
            continue
        indent = 2 * em if rng.random() < 0.5 else 0.0
        for i in range(int(rng.integers(2, 9))):
            if y + pitch > bottom:
                return
            last = rng.random() < 0.15
            count = int(full * (rng.uniform(0.3, 0.8) if last else 2.4))
            start = left + (indent if i == 0 else 0.0)
            text = running(sheet, count)
            sheet.set_line(text, face, across=(start, right), top=y, size=em)
            y += pitch
            if last:
                break
        y += pitch * float(rng.choice((0.0, 0.5, 1.0)))
        sheet.next_block()


def receipt(sheet: Sheet, em: float) -> None:
    """Header in the middle, items and amounts in columns, totals, thanks; one type."""
    rng = sheet.rng
    face = sheet.maker.typeface(rng, "photo")
    margin = sheet.columns * rng.uniform(0.03, 0.1)
    left, right = margin, sheet.columns - margin
    pitch = em * rng.uniform(1.25, 1.7)
    y = sheet.rows * rng.uniform(0.02, 0.1)
    for i in range(int(rng.integers(2, 6))):
        size = em * (rng.uniform(1.2, 1.8) if i == 0 and rng.random() < 0.5 else 1.0)
        text = sheet.maker.corpus.text(rng, "photo", 12)
        sheet.set_line(text, face, across=(left, right), top=y, size=size, align="centre")
        y += pitch * size / em
    columns = np.cumsum([0.0, 0.5, 0.18, 0.32]) * (right - left) + left
    while y < sheet.rows - 6 * pitch:
        sheet.next_block()
        _separator(sheet, left, right, y + 0.5 * em, em)
        y += pitch
        for row in range(int(rng.integers(2, 9))):
            if y > sheet.rows - 3 * pitch:
                break
            _receipt_row(sheet, face, columns.tolist(), y, em, row)
            y += pitch
        y += pitch * float(rng.choice((0.0, 0.5, 1.0)))
    sheet.next_block()
    text = sheet.maker.corpus.text(rng, "photo", 12)
    sheet.set_line(text, face, across=(left, right), top=y, size=em, align="centre")


def _receipt_row(  # where it stands, and as which
    sheet: Sheet, face: Typeface, columns: list[float], y: float, em: float, row: int
) -> None:
    rng = sheet.rng
    roll = rng.random()
    name = sheet.maker.corpus.text(rng, "photo", 7)
    style = Style(stretch=float(rng.uniform(1.3, 2.0))) if rng.random() < 0.06 else Style()
    gap = 1.6 * em
    if roll < 0.2:  # a line of its own
        sheet.set_line(
            name, face, across=(columns[0], columns[3]), top=y, size=em, cell=(sheet.block, row, 0)
        )
        return
    end = sheet.set_line(
        name, face, across=(columns[0], columns[1 if roll > 0.6 else 2] - gap), top=y, size=em,
        style=style, cell=(sheet.block, row, 0),
    )  # fmt: skip
    if roll > 0.6:
        count = f"{rng.integers(1, 20)}"
        sheet.set_line(
            count, face, across=(max(columns[1], end + gap), columns[2]), top=y, size=em,
            cell=(sheet.block, row, 1),
        )  # fmt: skip
    amount = f"{rng.uniform(0.1, 999):.2f}"
    sheet.set_line(
        amount, face, across=(columns[2] + gap, columns[3]), top=y, size=em, align="right",
        style=style, cell=(sheet.block, row, 2),
    )  # fmt: skip


def _separator(sheet: Sheet, left: float, right: float, y: float, em: float) -> None:
    roll = sheet.rng.random()
    thick = max(1.0, em / 12)
    if roll < 0.4:
        sheet.rule(left, y, right, y + thick)
    elif roll < 0.8:
        dash = em * sheet.rng.uniform(0.3, 0.6)
        for x in np.arange(left, right, 1.5 * dash).tolist():
            sheet.rule(x, y, x + dash, y + thick)


def form(sheet: Sheet, em: float) -> None:
    """A title, labels with values, and a table with rules."""
    rng = sheet.rng
    face = sheet.maker.typeface(rng, "scan")
    margin = sheet.columns * rng.uniform(0.05, 0.1)
    left, right = margin, sheet.columns - margin
    y = sheet.rows * rng.uniform(0.03, 0.08)
    title = sheet.maker.corpus.text(rng, "sign", 8)
    sheet.set_line(title, face, across=(left, right), top=y, size=1.8 * em, align="centre")
    y += 3.5 * em
    while y < sheet.rows - 16 * em:
        sheet.next_block()
        middle = (left + right) / 2
        for _ in range(int(rng.integers(2, 6))):
            for x in (left, middle) if rng.random() < 0.6 else (left,):
                text = sheet.maker.corpus.text(rng, "photo", 9)
                end = middle - 2 * em if x == left else right
                sheet.set_line(text, face, across=(x, end), top=y, size=em)
            y += 1.8 * em
        y = table(sheet, face, left, right, y + em, em) + 2 * em


def vertical(sheet: Sheet, em: float) -> None:
    """Columns from right to left, now and then with a title, Latin words and rules between."""
    rng = sheet.rng
    face = sheet.maker.typeface(rng, "scan")
    margin = sheet.columns * rng.uniform(0.06, 0.12)
    top, bottom = margin, sheet.rows - margin
    pitch = em * rng.uniform(1.4, 2.2)
    gap = float(rng.uniform(0.0, 0.25)) if pitch > 1.6 * em else float(rng.uniform(0.0, 0.1))
    x = sheet.columns - margin - em
    if rng.random() < 0.5:
        size = em * rng.uniform(1.3, 1.9)
        title = sheet.maker.corpus.text(rng, "handwriting", int(rng.integers(4, 12)))
        sheet.set_column(
            title, face, left=x - (size - em), top=top, bottom=bottom, size=size, gap=gap
        )
        x -= size + pitch
        sheet.next_block()
    ruled = rng.random() < 0.25
    while x > margin:
        length = int((bottom - top) / em) + 2
        text = ""
        while len(text) < length:
            text += sheet.maker.corpus.text(
                rng, "handwriting" if rng.random() < 0.85 else "scan", 20
            )
        part = 1.0 if rng.random() < 0.8 else rng.uniform(0.3, 0.9)
        sheet.set_column(
            text, face, left=x, top=top, bottom=top + part * (bottom - top), size=em, gap=gap
        )
        if ruled:
            place = x - (pitch - em) / 2
            sheet.rule(place, top, place + max(1.0, em / 20), bottom)
        x -= pitch
