"""A page with what was read drawn beside it: boxes in the picture, texts at the same places.

Where no font is found that has the characters, boxes and texts are joined by numbers, and the texts
stand in a file.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from ocr_client.results import PageResult, Quad, ReadLine

from .sources.layer import LayerPage

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

LONGEST: Final = 2_400  # pixels of the picture's longer side; larger ones are made smaller
_COLOURS: Final = ("#0b5cad", "#b3420b", "#1c7c3c", "#8a2b8f", "#8a6d00", "#00747a")  # by block
_PAPER: Final = "white"
_HAN: Final = "中"
_FOLDERS: Final = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts")
_NAMES: Final = (
    "NotoSansCJK NotoSansSC SourceHanSans wqy NotoSerifCJK ukai uming lxgw Droid".split()
)


@dataclasses.dataclass(frozen=True)
class Drawn:
    """legend: number and text of each line; None where all of them are in the picture."""

    picture: Image.Image
    legend: str | None


def drawn(picture: Image.Image, read: PageResult | LayerPage, font_file: Path | None) -> Drawn:
    """picture: as large as the page was when it was read. font_file: with the characters of texts;
    None: texts stand in the legend, but for those in Latin letters.
    """
    scale = min(1.0, LONGEST / max(picture.size))
    width, height = (max(1, round(side * scale)) for side in picture.size)
    sheet = Image.new("RGB", (2 * width, height), _PAPER)
    sheet.paste(picture.convert("RGB").resize((width, height)), (0, 0))
    pen = ImageDraw.Draw(sheet)
    hidden = False
    for number, line in enumerate(read.lines, 1):
        colour = _COLOURS[line.block % len(_COLOURS)]
        corners = [(x * scale, y * scale) for x, y in line.quad]
        pen.polygon(corners, outline=colour, width=2)
        pen.polygon([(x + width, y) for x, y in corners], outline="#dddddd")
        shown = font_file is not None or all(one < "\u2e80" for one in line.text)
        hidden = hidden or not shown
        text = line.text if shown else str(number)
        _write(sheet, text, _scaled(line.quad, scale), width, line, font_file)
        if font_file is None:
            pen.text(corners[0], str(number), fill=colour, font=_font(None, 14), anchor="rb")
    return Drawn(sheet, "".join(_legend(read.lines)) if hidden else None)


def _scaled(quad: Quad, scale: float) -> Quad:
    one, two, three, four = ((x * scale, y * scale) for x, y in quad)
    return one, two, three, four


def _write(
    sheet: Image.Image, text: str, quad: Quad, right: int, line: ReadLine, font_file: Path | None
) -> None:
    """Into the box on the right side, turned as the line is."""
    top_left, top_right, _, bottom_left = quad
    along, across = (bottom_left, top_right) if line.vertical else (top_right, bottom_left)
    length, thickness = math.dist(top_left, along), math.dist(top_left, across)
    if length < 1 or thickness < 1:
        return
    if line.vertical:
        label = _column(text, length, thickness, font_file)
        angle = math.degrees(math.atan2(along[0] - top_left[0], along[1] - top_left[1]))
    else:
        label = _row(text, length, thickness, font_file)
        angle = -math.degrees(math.atan2(along[1] - top_left[1], along[0] - top_left[0]))
    turned = label.rotate(angle, expand=True, resample=Image.Resampling.BICUBIC)
    centre = [sum(corner[axis] for corner in quad) / 4 for axis in (0, 1)]
    at = round(centre[0] - turned.width / 2) + right, round(centre[1] - turned.height / 2)
    sheet.paste("black", at, turned)


def _row(text: str, length: float, thickness: float, font_file: Path | None) -> Image.Image:
    """A mask as large as the line, with the text as large as fits."""
    size = max(8.0, thickness * 0.8)
    font = _font(font_file, size)
    wide = font.getlength(text)
    if wide > length:
        size = max(6.0, size * length / wide)
        font = _font(font_file, size)
    mask = Image.new("L", (max(1, math.ceil(length)), max(1, math.ceil(thickness))), 0)
    ImageDraw.Draw(mask).text((0, thickness / 2), text, fill=255, font=font, anchor="lm")
    return mask


def _column(text: str, length: float, thickness: float, font_file: Path | None) -> Image.Image:
    """The same of a column: one character below the other."""
    step = length / max(1, len(text))
    font = _font(font_file, max(6.0, min(thickness * 0.8, step)))
    mask = Image.new("L", (max(1, math.ceil(thickness)), max(1, math.ceil(length))), 0)
    pen = ImageDraw.Draw(mask)
    for place, one in enumerate(text):
        pen.text((thickness / 2, (place + 0.5) * step), one, fill=255, font=font, anchor="mm")
    return mask


def _legend(lines: Sequence[ReadLine]) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        yield f"{number}\t{line.confidence:.2f}\t{line.text}\n"


@functools.lru_cache(maxsize=256)
def _font(file: Path | None, size: float) -> Font:
    if file is None:
        return ImageFont.load_default(round(size))
    return ImageFont.truetype(str(file), round(size))


@functools.cache
def chinese_font() -> Path | None:
    """A font of this machine with Chinese characters; None where there is none."""
    return next((file for file in _candidates() if _has_chinese(file)), None)


def _candidates() -> Iterator[Path]:
    """What fontconfig names, then what is called like one of the known."""
    if shutil.which("fc-list"):
        run = subprocess.run(
            ["fc-list", ":lang=zh", "file"], capture_output=True, text=True, check=False, timeout=20
        )
        yield from sorted(Path(line.rstrip(": ")) for line in run.stdout.splitlines() if line)
    for folder in _FOLDERS:
        found = sorted(_files(Path(folder).expanduser()))
        for name in _NAMES:
            yield from (file for file in found if file.name.lower().startswith(name.lower()))


def _files(folder: Path) -> Iterable[Path]:
    return (file for file in folder.rglob("*") if file.suffix.lower() in {".ttf", ".otf", ".ttc"})


def _has_chinese(file: Path) -> bool:
    """Whether it draws 中 as something else than what it draws for a character that no font has."""
    try:
        font = ImageFont.truetype(str(file), 24)
        return bytes(font.getmask(_HAN)) != bytes(font.getmask("\U0010fffe"))
    except (OSError, ValueError):
        return False
