"""A TrueType font for text that lies invisibly under a picture.

PDF wants a font even where nothing is drawn, and one that has glyphs for Chinese would make every
file some megabytes larger. All characters share the second of two glyphs, a plain box: an empty one
has no extent, and PDFium passes over a text of a single character without extent.
"""

from __future__ import annotations

import struct
from typing import Final

UNITS: Final = 1_000  # in an em
ADVANCE: Final = 500  # of every glyph
ASCENT: Final = 800
DESCENT: Final = -200
_GLYPHS: Final = 2
_TRUETYPE: Final = 0x00010000
_MAGIC: Final = 0x5F0F3CF5
_CHECKED: Final = 0xB1B0AFBA


def font() -> bytes:
    """The tables that PDF 32000-1, section 9.9, asks for in an embedded TrueType font."""
    box = _box()
    tables = {
        b"glyf": box,
        b"head": struct.pack(
            ">IIIIHHqqhhhhHHhhh",
            *(_TRUETYPE, _TRUETYPE, 0, _MAGIC, 0b1011, UNITS, 0, 0),
            *(0, DESCENT, ADVANCE, ASCENT),
            *(0, 8, 2, 0, 0),
        ),
        b"hhea": struct.pack(
            ">IhhhHhhhhhhhhhhhH",
            *(_TRUETYPE, ASCENT, DESCENT, 0, ADVANCE, 0, 0, ADVANCE, 1, 0, 0),
            *(0, 0, 0, 0, 0, _GLYPHS),
        ),
        b"hmtx": struct.pack(">Hh", ADVANCE, 0) * _GLYPHS,
        b"loca": struct.pack(">HHH", 0, 0, len(box) // 2),  # the first glyph is empty
        b"maxp": struct.pack(">IHHHHHHHHHHHHHH", _TRUETYPE, _GLYPHS, 4, 1, 0, 0, 1, *[0] * 8),
    }
    count = len(tables)
    power = 1 << (count.bit_length() - 1)
    header = struct.pack(
        ">IHHHH", _TRUETYPE, count, power * 16, power.bit_length() - 1, (count - power) * 16
    )
    offset = len(header) + 16 * count
    entries, body = b"", b""
    head_at = 0
    for tag, content in tables.items():
        if tag == b"head":
            head_at = offset + len(body)
        entries += struct.pack(">4sIII", tag, _sum(content), offset + len(body), len(content))
        body += content + b"\0" * (-len(content) % 4)
    whole = bytearray(header + entries + body)
    struct.pack_into(">I", whole, head_at + 8, (_CHECKED - _sum(bytes(whole))) & 0xFFFF_FFFF)
    return bytes(whole)


def _box() -> bytes:
    """A glyph of one contour with four corners, each given by its way from the one before."""
    height = ASCENT - DESCENT
    across, down = (0, 0, ADVANCE, 0), (DESCENT, height, 0, -height)
    head = struct.pack(">hhhhh", 1, 0, DESCENT, ADVANCE, ASCENT)
    return head + struct.pack(">HH4B4h4h", 3, 0, *[1] * 4, *across, *down)


def _sum(content: bytes) -> int:
    padded = content + b"\0" * (-len(content) % 4)
    total: int = sum(struct.unpack(f">{len(padded) // 4}I", padded))
    return total & 0xFFFF_FFFF
