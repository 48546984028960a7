"""Which fonts draw what, and which characters each of them has."""

from __future__ import annotations

import dataclasses
import functools
import json
from pathlib import Path
from typing import Literal

from fontTools.ttLib import TTFont
from PIL import ImageFont

from ocr_training import fetch_fonts

Role = Literal["song", "hei", "kai", "brush", "display", "serif", "sans", "mono", "hand", "poster"]
Script = Literal["chinese", "latin"]


@dataclasses.dataclass(frozen=True)
class Font:
    """A face: file, index in a collection, what it looks like, and whether training sees it.

    capitals: it draws capitals for small letters, so a text in it is upper-case.
    """

    file: str
    role: Role
    script: Script
    index: int = 0
    held_out: bool = False
    capitals: bool = False

    def __hash__(self) -> int:
        """Of two fields instead of six: every character of every line looks its glyph up."""
        return hash((self.file, self.index))


def _noto(kind: str, weights: str, role: Role, held_out: str = "") -> list[Font]:
    # Index 2 of the Noto collections is Simplified Chinese.
    return [
        Font(f"Noto{kind}CJK-{weight}.ttc", role, "chinese", 2, weight in held_out.split())
        for weight in weights.split()
    ]


# Found by comparing the glyphs of a, e, g, r, d, b, h, q, n, t with those of their capitals.
CAPITALS = (
    "amatic-sc bangers bebas-neue bungee cinzel luckiest-guy permanent-marker rock-salt staatliches"
)


def _latin(role: Role, files: str, *, held_out: bool = False) -> list[Font]:
    return [
        Font(f"{file}.ttf", role, "latin", 0, held_out, capitals=file in CAPITALS.split())
        for file in files.split()
    ]


def _chinese(role: Role, files: str) -> list[Font]:
    """Japanese and Taiwanese ones have no more than two thirds of the simplified characters."""
    return [Font(f"{file}.ttf", role, "chinese") for file in files.split()]


CATALOGUE: tuple[Font, ...] = (
    *_noto("Serif", "Light Regular Medium SemiBold Bold Black ExtraLight", "song", "Medium"),
    *_noto("Sans", "Light DemiLight Regular Medium Bold Black Thin", "hei", "DemiLight"),
    Font("uming.ttc", "song", "chinese"),
    Font("ukai.ttc", "kai", "chinese"),
    Font("wqy-microhei.ttc", "hei", "chinese"),
    Font("wqy-zenhei.ttc", "hei", "chinese", held_out=True),
    Font("LXGWWenKai-Regular.ttf", "kai", "chinese"),
    Font("LXGWWenKai-Bold.ttf", "kai", "chinese"),
    Font("LXGWWenKai-Light.ttf", "kai", "chinese", held_out=True),
    Font("zcool-xiaowei.ttf", "display", "chinese"),
    Font("zcool-kuaile.ttf", "display", "chinese"),
    Font("zcool-qingke-huangyou.ttf", "display", "chinese"),
    Font("ma-shan-zheng.ttf", "brush", "chinese"),
    Font("zhi-mang-xing.ttf", "brush", "chinese"),
    Font("liu-jian-mao-cao.ttf", "brush", "chinese"),
    Font("long-cang.ttf", "brush", "chinese", held_out=True),
    *_latin(
        "serif",
        "Caladea-Regular Caladea-Bold Caladea-Italic FreeSerif FreeSerifBold FreeSerifItalic",
    ),
    *_latin("serif", "LiberationSerif-Regular LiberationSerif-Bold LiberationSerif-Italic"),
    *_latin("serif", "DejaVuSerif DejaVuSerif-Bold DejaVuSerifCondensed playfair-display"),
    *_latin(
        "sans", "Carlito-Regular Carlito-Bold Carlito-Italic FreeSans FreeSansBold FreeSansOblique"
    ),
    *_latin("sans", "LiberationSans-Regular LiberationSans-Bold LiberationSans-Italic"),
    *_latin("sans", "LiberationSansNarrow-Regular LiberationSansNarrow-Bold"),
    *_latin(
        "sans", "DejaVuSans DejaVuSans-Bold DejaVuSansCondensed roboto roboto-condensed montserrat"
    ),
    *_latin("mono", "LiberationMono-Regular LiberationMono-Bold FreeMonoBold DejaVuSansMono"),
    *_latin("mono", "courier-prime inconsolata share-tech-mono vt323 special-elite"),
    *_chinese("display", "wdxl-lubrifont-sc huninn lxgw-marker-gothic zen-maru-gothic"),
    *_chinese("display", "dela-gothic-one potta-one reggae-one rocknroll-one"),
    *_chinese("brush", "hachi-maru-pop iansui klee-one yomogi yuji-boku yusei-magic"),
    *_chinese("brush", "zen-kurenaido"),
    *_latin("hand", "caveat kalam patrick-hand architects-daughter cedarville-cursive"),
    *_latin("hand", "covered-by-your-grace gloria-hallelujah gochi-hand handlee zeyada"),
    *_latin("hand", "homemade-apple just-another-hand la-belle-aurore nothing-you-could-do"),
    *_latin("hand", "reenie-beanie rock-salt schoolbell shadows-into-light"),
    *_latin("poster", "alfa-slab-one anton bebas-neue oswald pacifico abril-fatface amatic-sc"),
    *_latin("poster", "archivo-black bangers black-ops-one bungee cinzel dancing-script"),
    *_latin("poster", "fjalla-one kaushan-script lilita-one lobster passion-one"),
    *_latin("poster", "permanent-marker righteous russo-one staatliches titan-one yellowtail"),
    *_latin("serif", "lora"),
    *_latin("sans", "comfortaa dosis josefin-sans lato quicksand share-tech"),
    *_latin("mono", "ibm-plex-mono space-mono"),
    *_latin("serif", "crimson-text", held_out=True),
    *_latin("sans", "open-sans", held_out=True),
    *_latin("mono", "overpass-mono", held_out=True),
    *_latin("hand", "indie-flower", held_out=True),
    *_latin("poster", "luckiest-guy satisfy teko", held_out=True),
    Font("Caladea-BoldItalic.ttf", "serif", "latin", held_out=True),
    Font("Carlito-BoldItalic.ttf", "sans", "latin", held_out=True),
    Font("DejaVuSansMono-Bold.ttf", "mono", "latin", held_out=True),
)


# The faces of fetch_fonts.SMALL: enough to try the whole pipeline, not to train for use.
SMALL: tuple[Font, ...] = tuple(
    font for font in CATALOGUE if font.file.startswith(("wqy-microhei", "Liberation"))
)


def catalogue(folder: Path) -> tuple[Font, ...]:
    """The faces that a folder of `make fonts` was made to hold."""
    record = folder / "fonts.json"
    if not record.exists():
        raise FileNotFoundError(f"{record} is missing; run `make fonts`")
    packages = {package["name"] for package in json.loads(record.read_text(encoding="utf-8"))}
    return SMALL if packages == set(fetch_fonts.SMALL) else CATALOGUE


@functools.cache
def coverage(folder: Path, font: Font) -> frozenset[str]:
    """Characters that the face has a glyph for. Raises FileNotFoundError saying what to run."""
    path = folder / font.file
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing; run `make fonts`")
    number = font.index if path.suffix == ".ttc" else -1
    face = TTFont(path, fontNumber=number, lazy=True)
    return frozenset(map(chr, face.getBestCmap()))


@functools.lru_cache(maxsize=256)
def open_font(folder: Path, font: Font, size: int) -> ImageFont.FreeTypeFont:
    """The face at `size` pixels an em."""
    # Basic layout: characters are placed one by one, and Raqm's shaping takes twice the time.
    return ImageFont.truetype(
        str(folder / font.file), size, index=font.index, layout_engine=ImageFont.Layout.BASIC
    )
