"""PDF in which the picture is seen, and the text below it is found, marked and copied.

Written from front to back, page by page: what is kept for the end is where each object begins, and
which character each code stands for.
"""

from __future__ import annotations

import contextlib
import io
import math
import zlib
from collections.abc import Sequence
from typing import IO, Final

from PIL import Image

from ocr_client.errors import BadImageError
from ocr_client.pages.words import words_of
from ocr_client.results import Point, ReadLine

from . import unseen
from .entry import Entry, Failure

POINTS: Final = 72.0  # in an inch
QUALITY: Final = 85  # of JPEGs that are made here
_COLOURS: Final = {"L": b"/DeviceGray", "RGB": b"/DeviceRGB"}
_LONGEST: Final = 14_400.0  # points that a page may measure, in all readers
_BLOCK: Final = 100  # entries in a block of a character map, at most
_SPARE: Final = 0xFFFF  # the code of all characters that there is no code left for


class PdfWriter:
    """The stream need not be seekable."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._file = _Objects(stream)
        self._root, self._pages, self._font = (self._file.number() for _ in range(3))
        self._kids: list[int] = []
        self._codes = _Codes()

    def page(self, entry: Entry) -> None:
        """Raises BadImageError where the picture cannot be had; then the page is left out."""
        picture, dpi = entry.picture()
        size = entry.read.width, entry.read.height
        if picture.size != size:
            now, then = ("x".join(map(str, one)) for one in (picture.size, size))
            reason = f"its picture is {now} now, not {then}; did the file change?"
            raise BadImageError(f"{entry.place.title}: {reason}")
        self._add(picture, dpi, entry.read.lines, entry.read.turned)

    def failed(self, failure: Failure) -> None:
        """Its picture stays, without text, so that no page is lost."""
        if failure.page is not None:
            with contextlib.suppress(BadImageError):
                self._add(*failure.page.picture(), (), 0)

    def close(self) -> None:
        self._write_font()
        kids = " ".join(f"{kid} 0 R" for kid in self._kids)
        count = len(self._kids)
        self._file.object(f"<< /Type /Pages /Kids [{kids}] /Count {count} >>", self._pages)
        self._file.object(f"<< /Type /Catalog /Pages {self._pages} 0 R >>", self._root)
        self._file.end(self._root)

    def _add(
        self, picture: Image.Image, dpi: float, lines: Sequence[ReadLine], turned: int
    ) -> None:
        scale = min(POINTS / dpi, _LONGEST / max(picture.size))
        width, height = picture.width * scale, picture.height * scale
        image = self._image(picture)
        drawing = [f"q {width:.3f} 0 0 {height:.3f} 0 0 cm /Picture Do Q\nBT 3 Tr\n"]
        drawing += [self._text(line, scale, height) for line in lines]
        drawing.append("ET\n")
        content = self._file.stream(b"", "".join(drawing).encode("ascii"))
        turn = f"/Rotate {turned} " if turned else ""
        self._kids.append(
            self._file.object(
                f"<< /Type /Page /Parent {self._pages} 0 R /MediaBox [0 0 {width:.3f} {height:.3f}] "
                f"{turn}/Contents {content} 0 R /Resources << /XObject << /Picture {image} 0 R >> "
                f"/Font << /Text {self._font} 0 R >> >> >>"
            )
        )

    def _image(self, picture: Image.Image) -> int:
        if picture.mode == "1":
            colours, bits, packed = b"/DeviceGray", 1, zlib.compress(picture.tobytes())
            kind = b"/FlateDecode"
        else:
            picture = picture if picture.mode in _COLOURS else _on_white(picture)
            buffer = io.BytesIO()
            picture.save(buffer, "JPEG", quality=QUALITY, optimize=True)
            colours, bits, packed, kind = (
                _COLOURS[picture.mode],
                8,
                buffer.getvalue(),
                b"/DCTDecode",
            )
        facts = b"/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace %s" % (
            picture.width,
            picture.height,
            colours,
        )
        facts += b" /BitsPerComponent %d /Filter %s" % (bits, kind)
        return self._file.stream(facts, packed, packed=True)

    def _text(self, line: ReadLine, scale: float, height: float) -> str:
        """Each word with a matrix of its own: along its line, as wide as it is in the picture."""

        def placed(point: Point) -> Point:
            return point[0] * scale, height - point[1] * scale

        top_left, top_right, bottom_right, bottom_left = map(placed, line.quad)
        # A column is text that lies on its right side: its lower edge is the left one.
        begin, end, top = (
            (top_left, bottom_left, top_right)
            if line.vertical
            else (bottom_left, bottom_right, top_left)
        )
        length, size = math.dist(begin, end), math.dist(begin, top)
        if length < 1e-3 or size < 1e-3:
            return ""
        a, b = (end[0] - begin[0]) / length, (end[1] - begin[1]) / length
        # The font reaches from DESCENT to ASCENT, so the line stands a little above its edge.
        lift = -unseen.DESCENT / unseen.UNITS * size
        parts = []
        for word in words_of(line):
            text = word.text + (" " if word.spaced else "")
            natural = len(text) * unseen.ADVANCE / unseen.UNITS * size
            stretch = max(1.0, 100 * (word.end - word.begin) * length / natural)
            x = begin[0] + word.begin * length * a - lift * b
            y = begin[1] + word.begin * length * b + lift * a
            codes = "".join(f"{self._codes.of(one):04X}" for one in text)
            parts.append(
                f"{a:.5f} {b:.5f} {-b:.5f} {a:.5f} {x:.3f} {y:.3f} Tm "
                f"/Text {size:.3f} Tf {stretch:.2f} Tz <{codes}> Tj\n"
            )
        return "".join(parts)

    def _write_font(self) -> None:
        file, units = self._file, f"{unseen.ASCENT} /Descent {unseen.DESCENT}"
        program = unseen.font()
        embedded = file.stream(b"/Length1 %d" % len(program), program)
        descriptor = file.object(
            f"<< /Type /FontDescriptor /FontName /Unseen /Flags 4 /FontBBox [0 "
            f"{unseen.DESCENT} {unseen.ADVANCE} {unseen.ASCENT}] /ItalicAngle 0 "
            f"/Ascent {units} /CapHeight {unseen.ASCENT} /StemV 80 /FontFile2 {embedded} 0 R >>"
        )
        glyphs = file.stream(b"", b"\0\1" * 0x10000)
        below = file.object(
            f"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Unseen /CIDSystemInfo "
            f"<< /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /FontDescriptor "
            f"{descriptor} 0 R /DW {unseen.ADVANCE} /CIDToGIDMap {glyphs} 0 R >>"
        )
        unicode = file.stream(b"", self._codes.map().encode("ascii"))
        file.object(
            f"<< /Type /Font /Subtype /Type0 /BaseFont /Unseen /Encoding /Identity-H "
            f"/DescendantFonts [{below} 0 R] /ToUnicode {unicode} 0 R >>",
            self._font,
        )


class _Codes:
    """A code of two bytes for each different character, in the order in which they come."""

    def __init__(self) -> None:
        self._of: dict[str, int] = {}

    def of(self, character: str) -> int:
        if character not in self._of and len(self._of) >= _SPARE - 1:
            return _SPARE
        return self._of.setdefault(character, len(self._of) + 1)

    def map(self) -> str:
        """The CMap that leads back: PDF 32000-1, section 9.10.3."""
        entries = [(code, _utf16(one)) for one, code in self._of.items()]
        entries.append((_SPARE, "FFFD"))
        blocks = "".join(
            f"{len(part)} beginbfchar\n"
            + "".join(f"<{code:04X}> <{text}>\n" for code, text in part)
            + "endbfchar\n"
            for start in range(0, len(entries), _BLOCK)
            for part in (entries[start : start + _BLOCK],)
        )
        return (
            "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
            "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
            "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
            "1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n"
            f"{blocks}endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
        )


class _Objects:
    """The body of a PDF file and its cross-reference table."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._at = 0
        self._begins: list[int] = []  # of object 1 and up; 0: not written yet
        self._put(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n")  # above 127: this is no text

    def number(self) -> int:
        """Of an object that is written later."""
        self._begins.append(0)
        return len(self._begins)

    def object(self, body: str, number: int | None = None) -> int:
        return self._whole(body.encode("ascii"), number)

    def stream(self, facts: bytes, content: bytes, *, packed: bool = False) -> int:
        """facts: of its dictionary. packed: `facts` name the filter already."""
        if not packed:
            facts, content = facts + b" /Filter /FlateDecode", zlib.compress(content)
        head = b"<< %s /Length %d >>\nstream\n" % (facts, len(content))
        return self._whole(head + content + b"\nendstream", None)

    def end(self, root: int) -> None:
        at, count = self._at, len(self._begins) + 1
        rows = "".join(f"{begin:010d} 00000 n \n" for begin in self._begins)
        table = f"xref\n0 {count}\n0000000000 65535 f \n{rows}"
        facts = f"/Size {count} /Root {root} 0 R"
        self._put(f"{table}trailer\n<< {facts} >>\nstartxref\n{at}\n%%EOF\n".encode("ascii"))

    def _whole(self, body: bytes, number: int | None) -> int:
        number = number or self.number()
        self._begins[number - 1] = self._at
        self._put(b"%d 0 obj\n%s\nendobj\n" % (number, body))
        return number

    def _put(self, content: bytes) -> None:
        self._stream.write(content)
        self._at += len(content)


def _on_white(picture: Image.Image) -> Image.Image:
    """In RGB, or gray where it has no colours; JPEG knows nothing that can be looked through."""
    if picture.mode in {"I", "F"} or picture.mode.startswith("I;16"):
        picture = picture.point(lambda level: level / 256).convert("L")
    if picture.has_transparency_data or picture.mode in {"LA", "La", "RGBA", "RGBa", "PA"}:
        layers = picture.convert("RGBA")
        paper = Image.new("RGBA", picture.size, "white")
        paper.alpha_composite(layers)
        return paper.convert("RGB")
    return picture if picture.mode == "L" else picture.convert("RGB")


def _utf16(character: str) -> str:
    return character.encode("utf-16-be", "replace").hex().upper()
