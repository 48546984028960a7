"""Pages that tests draw themselves, and small PDFs and TIFFs of them."""

import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

FONTS = Path(__file__).parents[3] / "build" / "fonts-small"
LATIN = FONTS / "LiberationSans-Regular.ttf"
CHINESE = FONTS / "wqy-microhei.ttc"

ENGLISH = (
    "Delivery note and invoice",
    "The goods were sent on Monday",
    "Please pay within thirty days",
    "Thank you for your order",
)
MIXED = ("合计金额二百元整", "请在三十天内付款", "Invoice number 20481", "感谢您的订购")


def page(texts=ENGLISH, *, size=(1000, 700), font=LATIN, height=34, gap=30):
    """Gray (H, W) UINT8, one text below the other."""
    assert FONTS.is_dir(), "run `make test`, which fetches the fonts"
    picture = Image.new("L", size, 255)
    pen = ImageDraw.Draw(picture)
    face = ImageFont.truetype(str(font), height)
    for row, text in enumerate(texts):
        pen.text((70, 80 + row * (height + gap)), text, fill=0, font=face)
    return np.asarray(picture)


def quads(texts, *, font=LATIN, height=34, gap=30):
    """Where `page` draws each of them."""
    face = ImageFont.truetype(str(font), height)
    for row, text in enumerate(texts):
        y = 80 + row * (height + gap)
        left, top, right, bottom = face.getbbox(text)
        left, right, top, bottom = 70 + left, 70 + right, y + top, y + bottom
        yield (left, top), (right, top), (right, bottom), (left, bottom)


def columns(texts, *, size=(700, 900), height=40, gap=30):
    """Vertical text: the first column stands on the right."""
    picture = Image.new("L", size, 255)
    pen = ImageDraw.Draw(picture)
    face = ImageFont.truetype(str(CHINESE), height)
    for column, text in enumerate(texts):
        x = size[0] - 110 - column * (height + gap)
        for row, character in enumerate(text):
            pen.text((x, 80 + row * (height + 4)), character, fill=0, font=face)
    return np.asarray(picture)


def blank(size=(600, 800)):
    return np.full(size, 255, np.uint8)


def tiff(frames, path):
    pictures = [Image.fromarray(frame) for frame in frames]
    pictures[0].save(path, save_all=True, append_images=pictures[1:])
    return path


def pdf(*pages, claim=None, extra=""):
    """Bytes of a PDF; each page is the objects in its drawing. claim: a page count that is a lie."""
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages) if claim is None else claim} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for n, drawing in enumerate(pages):
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 420 300] /Contents {5 + 2 * n} 0 R "
            "/Resources << /Font << /F 3 0 R >> >> >>"
        )
        objects.append(f"<< /Length {len(drawing)} >>\nstream\n{drawing}\nendstream")
    body, places = b"%PDF-1.5\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n".encode("latin-1")
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    return body + (
        f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
        f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R {extra} >>\n"
        f"startxref\n{len(body)}\n%%EOF\n"
    ).encode("latin-1")


def written(*texts):
    """A drawing for `pdf`: texts in Helvetica, one below the other."""
    return "".join(f"BT /F 20 Tf 40 {240 - 50 * n} Td ({t}) Tj ET\n" for n, t in enumerate(texts))


LOCKED = (
    "/Encrypt << /Filter /Standard /V 1 /R 2 /P -44 "
    f"/O <{zlib.crc32(b'o'):064x}> /U <{zlib.crc32(b'u'):064x}> >> /ID [<00> <00>]"
)
