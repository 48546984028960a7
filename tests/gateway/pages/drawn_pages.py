"""Pages whose parts are known: a report with a title, a list and a ruled table, and a receipt."""

from PIL import Image, ImageDraw, ImageFont

TITLE = "Quarterly stock report"
ITEMS = ("Count the shelves", "Weigh the barrels", "Sign the sheet")
TABLE = (
    ("Item", "Pieces", "Price"),
    ("Paper", "120", "45.90"),
    ("Ink", "8", "96.00"),
    ("Glue", "15", "37.50"),
)
FIELDS = {"date": "2024-03-16", "number": "1047523", "total": "48.60", "tax": "2.75"}


def _face(size, name="DejaVuSans.ttf"):
    return ImageFont.truetype(name, size)


def report(path):
    """1000 x 1000: the title twice as high as the text, the table with a rule around each cell."""
    picture = Image.new("L", (1000, 1000), 255)
    pen = ImageDraw.Draw(picture)
    pen.text((100, 70), TITLE, font=_face(52), fill=0)
    for row, text in enumerate(
        ("Everything in the store was counted in the", "last week of March.")
    ):
        pen.text((100, 190 + 40 * row), text, font=_face(28), fill=0)
    for row, text in enumerate(ITEMS):
        pen.text((120, 320 + 44 * row), f"{row + 1}. {text}", font=_face(28), fill=0)
    left, top, wide, high = 100, 520, 250, 64
    for row, cells in enumerate(TABLE):
        for column, text in enumerate(cells):
            place = (left + wide * column + 16, top + high * row + 14)
            pen.text(place, text, font=_face(28), fill=0)
    right, bottom = left + wide * len(TABLE[0]), top + high * len(TABLE)
    for row in range(len(TABLE) + 1):
        pen.line((left, top + high * row, right, top + high * row), fill=0, width=2)
    for column in range(len(TABLE[0]) + 1):
        pen.line((left + wide * column, top, left + wide * column, bottom), fill=0, width=2)
    picture.save(path)
    return path


def receipt(path):
    """600 x 900."""
    picture = Image.new("L", (600, 900), 255)
    pen = ImageDraw.Draw(picture)
    pen.text((150, 50), "NORTH HARBOUR CAFE LTD", font=_face(24), fill=0)
    pen.text((190, 90), "12 Quay Street", font=_face(24), fill=0)
    rows = (
        ("Invoice No: 1047523", ""),
        ("Date: 16-03-2024", ""),
        (),
        ("Coffee", "12.40"),
        ("Soup of the day", "18.20"),
        ("Apple cake", "15.25"),
        (),
        ("Subtotal", "45.85"),
        ("GST 6%", "2.75"),
        ("Total", "48.60"),
        ("Cash", "50.00"),
    )
    for row, texts in enumerate(rows):
        for text, left in zip(texts, (60, 440), strict=False):
            pen.text((left, 170 + 52 * row), text, font=_face(24), fill=0)
    picture.save(path)
    return path
