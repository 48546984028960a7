"""Applications on a screen: light words on dark bars, icons, buttons, several sizes."""

from __future__ import annotations

from ocr_training.lines import Typeface

from .elements import running, table
from .sheet import Sheet


def screen(sheet: Sheet, em: float) -> None:
    """An application: a dark bar, a list at the side, text and buttons, several sizes."""
    rng = sheet.rng
    face = sheet.maker.typeface(rng, "photo")
    bar = 2.6 * em
    dark = float(rng.uniform(20, 110))
    sheet.rule(0, 0, sheet.columns, bar, ink=dark)
    x = em
    for _ in range(int(rng.integers(2, 6))):
        word = sheet.maker.corpus.text(rng, "sign", 4)
        if x < sheet.columns - 12 * em:
            end = sheet.set_line(
                word, face, across=(x, x + 9 * em), top=0.7 * em, size=em,
                ink=float(rng.uniform(200, 255)),
            )  # fmt: skip
            x = end + em * rng.uniform(2, 4)
    side = sheet.columns * rng.uniform(0.18, 0.28)
    sheet.next_block()
    y = bar + 1.5 * em
    pitch = em * rng.uniform(1.9, 2.8)
    while y < sheet.rows - pitch:
        if rng.random() < 0.8:
            sheet.rule(
                0.7 * em, y + 0.1 * em, 1.7 * em, y + 1.1 * em, ink=float(rng.uniform(60, 190))
            )
            text = sheet.maker.corpus.text(rng, "photo", 5)
            sheet.set_line(text, face, across=(2.6 * em, side - em), top=y, size=em)
        y += pitch
    sheet.rule(side, bar, side + 1, sheet.rows, ink=190.0)
    _screen_body(sheet, face, side + 2 * em, bar + 1.5 * em, em)


def _screen_body(sheet: Sheet, face: Typeface, left: float, top: float, em: float) -> None:
    rng = sheet.rng
    right = sheet.columns - 2 * em
    sheet.next_block()
    size = 1.7 * em
    sheet.set_line(
        sheet.maker.corpus.text(rng, "sign", 8), face, across=(left, right), top=top, size=size
    )
    y = top + 2.2 * size
    sheet.next_block()
    while y < sheet.rows - 5 * em:
        roll = rng.random()
        if roll < 0.2:
            _button(sheet, face, left, y + 0.4 * em, em)
            y += 3 * em
        elif roll < 0.35 and right - left > 20 * em and y + 18 * em < sheet.rows:
            y = table(sheet, face, left, right, y, em) + 1.5 * em
        else:
            text = running(sheet, int((right - left) / em * rng.uniform(0.4, 2)))
            sheet.set_line(text, face, across=(left, right), top=y, size=em)
            y += 1.8 * em


def _button(sheet: Sheet, face: Typeface, left: float, y: float, em: float) -> None:
    """Light on dark, as wide as its word."""
    before = len(sheet.lines)
    word = sheet.maker.corpus.text(sheet.rng, "sign", 3)
    ground = float(sheet.rng.uniform(20, 120))
    copy = sheet.pixels.copy()
    end = sheet.set_line(word, face, across=(left + em, left + 9 * em), top=y, size=em)
    if len(sheet.lines) == before:
        return
    del sheet.lines[before:]
    sheet.pixels[:] = copy
    sheet.rule(left, y - 0.4 * em, end + em, y + 1.6 * em, ink=ground)
    sheet.set_line(
        word, face, across=(left + em, left + 9 * em), top=y, size=em,
        ink=float(sheet.rng.uniform(225, 255)),
    )  # fmt: skip
