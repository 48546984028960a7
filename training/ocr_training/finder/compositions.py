"""What stands on pages that `ocr_training.pages` does not make: slips and scenes.

A slip is a receipt as shops print them: values at tab stops, little room between the lines, and
gaps that are hardly wider than a letter is high. A scene has few texts of any size, anywhere.
"""

from __future__ import annotations

import cv2
import numpy as np

from ocr_training.layout import Style
from ocr_training.lines import KINDS, Typeface
from ocr_training.numerals import number
from ocr_training.pages.sheet import Sheet

# Ems between what are two lines side by side, at least: capitals are .7 to .8 of an em high, and
# whoever labels cuts where a gap is wider than letters are high. Typewriters' spaces are wider.
CUT, CUT_MONO = 0.8, 0.95
TIGHT = 0.6  # of the gaps between cells are just above it
LATIN = 0.5  # of slips have no Chinese
FILLERS = "-=*_.~"


def slip(sheet: Sheet, em: float) -> None:
    """Rows of cells at tab stops, separators of typed marks, sizes that change now and then."""
    rng = sheet.rng
    latin = rng.random() < LATIN
    face = sheet.maker.typeface(rng, "photo")
    left = sheet.columns * rng.uniform(0.02, 0.15)
    right = sheet.columns * rng.uniform(0.85, 0.98)
    pitch = em * rng.uniform(1.02, 1.8)
    stops = _stops(left, right, em, rng)
    style = Style(stretch=float(rng.uniform(0.75, 1.2)))
    y = sheet.rows * rng.uniform(0.01, 0.15)
    while y < sheet.rows - 2 * pitch:
        roll = rng.random()
        if roll < 0.08:
            _filler(sheet, face, left, right, y, em)
        elif roll < 0.2:
            size = em * rng.uniform(0.8, 2.0)
            text = _words(sheet, 12, latin=latin)
            sheet.set_line(
                text, face, across=(left, right), top=y, size=size, align="centre", style=style
            )
            y += size - em
        elif roll < 0.3:
            size = em if rng.random() < 0.7 else em * rng.uniform(1.0, 1.5)
            sheet.set_line(
                _words(sheet, 30, latin=latin),
                face,
                across=(left, right),
                top=y,
                size=size,
                style=style,
            )
            y += size - em
        else:
            _cells(sheet, face, stops, right, y, em, style, latin=latin)
        y += pitch * (1.0 if rng.random() < 0.85 else rng.uniform(1.3, 2.5))
        if rng.random() < 0.1:
            sheet.next_block()
            stops = _stops(left, right, em, rng)


def _stops(left: float, right: float, em: float, rng: np.random.Generator) -> list[float]:
    count = int(rng.integers(1, 5))
    inner = np.sort(rng.uniform(left + 3 * em, right - 2 * em, count)).tolist()
    return [left, *inner]


def _cells(
    sheet: Sheet,
    face: Typeface,
    stops: list[float],
    right: float,
    y: float,
    em: float,
    style: Style,
    *,
    latin: bool,
) -> None:
    """Texts from stop to stop, pushed on where one is longer; the last one often to the right."""
    rng = sheet.rng
    end, cut = -1e9, CUT_MONO if face.latin[0].role == "mono" else CUT
    for i, stop in enumerate(stops):
        tight = rng.random() < TIGHT
        start = max(stop, end + em * (rng.uniform(cut, 1.5) if tight else rng.uniform(1.5, 4)))
        last = i == len(stops) - 1
        if start > right - em or (not last and rng.random() < 0.2):
            continue
        text = _value(sheet) if i and rng.random() < 0.7 else _words(sheet, 8, latin=latin)
        far = right if last else max(stops[i + 1] - cut * em, start + 2 * em)
        if rng.random() < 0.3:
            far = right
        align = "right" if last and rng.random() < 0.5 else "left"
        end = sheet.set_line(
            text, face, across=(start, min(far, right)), top=y, size=em, align=align, style=style
        )


def _filler(sheet: Sheet, face: Typeface, left: float, right: float, y: float, em: float) -> None:
    """A row of one mark again and again, which nobody calls a line of text."""
    rng = sheet.rng
    before = len(sheet.lines)
    text = FILLERS[rng.integers(len(FILLERS))] * 120
    sheet.set_line(text, face, across=(left, right), top=y, size=em)
    del sheet.lines[before:]


def _value(sheet: Sheet) -> str:
    rng = sheet.rng
    roll = rng.random()
    if roll < 0.4:
        return f"{rng.uniform(0, 10 ** rng.integers(1, 4)):.2f}"
    if roll < 0.55:
        return str(rng.integers(0, 100))
    if roll < 0.8:
        return number(rng)
    return f"{rng.uniform(0, 100):.2f} {'SR' if roll < 0.9 else 'RM'}"


def _words(sheet: Sheet, length: int, *, latin: bool) -> str:
    rng = sheet.rng
    kind, text = "photo" if rng.random() < 0.7 else "scan", ""
    for _ in range(8):
        text = sheet.maker.corpus.text(rng, kind, int(rng.integers(1, length + 1)))
        if text.isascii() or not latin:
            break
    return text.upper() if rng.random() < 0.4 else text


def blots(sheet: Sheet, em: float) -> None:
    """Dots, holes and dashes beside the text, as large as its marks and letters, which are none."""
    rng = sheet.rng
    boxes = np.array([line.quad for line in sheet.lines], np.float64).reshape(-1, 4, 2)
    low, high = boxes.min(axis=1) - 0.4 * em, boxes.max(axis=1) + 0.4 * em
    ink = float(rng.uniform(0, 110))
    for _ in range(int(rng.integers(1, 50))):
        place = rng.uniform(0, 1, 2) * (sheet.columns, sheet.rows)
        if ((low < place) & (place < high)).all(axis=1).any():
            continue
        x, y = round(place[0]), round(place[1])
        size = em * 0.04 * (18.0 ** float(rng.random() ** 1.5))
        if rng.random() < 0.75:
            axes = (max(1, round(size)), max(1, round(size * rng.uniform(0.5, 1.0))))
            cv2.ellipse(
                sheet.pixels, (x, y), axes, rng.uniform(0, 180), 0, 360, ink, -1, cv2.LINE_AA
            )
        else:
            end = (x + round(rng.normal(0, 2 * size)), y + round(rng.normal(0, 2 * size)))
            cv2.line(sheet.pixels, (x, y), end, ink, max(1, round(0.3 * size)), cv2.LINE_AA)


def scene(sheet: Sheet, em: float) -> None:
    """Texts at places of chance on what is there already, each in a tone that can be seen.

    em: the least size; the largest is a quarter of the picture.
    """
    rng = sheet.rng
    room = min(sheet.rows, sheet.columns)
    taken: list[tuple[float, float, float, float]] = []
    for _ in range(int(rng.integers(0, 32))):
        size = em * float((max(1.5, 0.25 * room / em)) ** (rng.random() ** 1.5))
        face = sheet.maker.typeface(rng, str(rng.choice(list(KINDS))))
        x, y = rng.uniform(0, 0.8) * sheet.columns, rng.uniform(0, 0.9) * sheet.rows
        if rng.random() < 0.15:
            _scene_columns(sheet, face, x, y, size, taken)
        else:
            _scene_lines(sheet, face, x, y, size, taken)
        sheet.next_block()


def _scene_lines(
    sheet: Sheet,
    face: Typeface,
    x: float,
    y: float,
    size: float,
    taken: list[tuple[float, float, float, float]],
) -> None:
    """One to five lines below each other, now and then on a plate."""
    rng = sheet.rng
    count = int(rng.choice((1, 1, 1, 2, 3, 5)))
    pitch = size * rng.uniform(1.1, 1.8)
    wide = size * rng.uniform(2, 16)
    spacing = float(rng.choice((0.0, 0.0, 0.0, rng.uniform(2, 20))))
    style = Style(stretch=float(rng.uniform(0.7, 1.3)), spacing=spacing)
    box = (x - 0.5 * size, y - 0.4 * size, x + wide + 0.5 * size, y + count * pitch + 0.2 * size)
    if not _free(sheet, box, taken):
        return
    if rng.random() < 0.4:
        sheet.rule(*box, ink=float(rng.uniform(0, 255)))
    ink = _tone(sheet, box)
    align = str(rng.choice(("left", "centre", "right")))
    for i in range(count):
        text = sheet.maker.corpus.text(rng, str(rng.choice(list(KINDS))), int(rng.integers(1, 16)))
        sheet.set_line(
            text, face, across=(x, x + wide), top=y + i * pitch, size=size,
            align=align, ink=ink, style=style,
        )  # fmt: skip


def _scene_columns(
    sheet: Sheet,
    face: Typeface,
    x: float,
    y: float,
    size: float,
    taken: list[tuple[float, float, float, float]],
) -> None:
    """One to three columns of vertical text beside each other."""
    rng = sheet.rng
    count = int(rng.choice((1, 1, 2, 3)))
    pitch = size * rng.uniform(1.3, 2.0)
    high = size * rng.uniform(3, 14)
    box = (x - 0.3 * size, y - 0.5 * size, x + count * pitch, y + high + 0.5 * size)
    if not _free(sheet, box, taken):
        return
    if rng.random() < 0.5:
        sheet.rule(*box, ink=float(rng.uniform(0, 255)))
    ink, gap = _tone(sheet, box), float(rng.uniform(0.0, 0.35))
    gap = min(gap, 0.5 * (pitch / size - 1)) if count > 1 else gap
    for i in range(count):
        text = sheet.maker.corpus.text(rng, "handwriting", int(rng.integers(3, 16)))
        sheet.set_column(
            text, face, left=x + i * pitch, top=y, bottom=y + high, size=size, gap=gap, ink=ink
        )


def _free(
    sheet: Sheet,
    box: tuple[float, float, float, float],
    taken: list[tuple[float, float, float, float]],
) -> bool:
    """Whether it is inside of the picture and clear of the others; then it is one of them."""
    x0, y0, x1, y1 = box
    if x1 > sheet.columns or y1 > sheet.rows or x0 < 0 or y0 < 0:
        return False
    if any(x0 < b[2] and b[0] < x1 and y0 < b[3] and b[1] < y1 for b in taken):
        return False
    taken.append(box)
    return True


def _tone(sheet: Sheet, box: tuple[float, float, float, float]) -> float:
    """A gray level that stands out from what is in the box; that is made calmer where it must."""
    rng = sheet.rng
    x0, y0, x1, y1 = (round(side) for side in box)
    part = sheet.pixels[y0:y1, x0:x1]
    level, spread = float(part.mean()), float(part.std())
    most = rng.uniform(8, 45)
    if spread > most:
        part -= (part - np.float32(level)) * np.float32(1 - most / spread)
    contrast = max(45.0, 1.8 * min(spread, most)) + rng.uniform(0, 120)
    signs = (1, -1) if rng.random() < 0.5 else (-1, 1)
    for sign in signs:
        if 0 <= level + sign * contrast <= 255:
            return float(level + sign * contrast)
    return 255.0 if level < 128 else 0.0
