"""What the two XML formats share: text that may stand in XML, and boxes in whole pixels."""

from __future__ import annotations

import math
import re
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from ocr_client.results import Box

# XML 1.0, section 2.2: everything else must not stand in a document, however it is written.
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def text(content: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", content))


def attribute(content: str) -> str:
    """With its quotes."""
    return quoteattr(_NOT_XML.sub("\ufffd", content))


def whole(box: Box) -> tuple[int, int, int, int]:
    """Pixels that the box touches; never below 0, at least one wide and high."""
    left, top = max(0, math.floor(box[0])), max(0, math.floor(box[1]))
    return left, top, max(left + 1, math.ceil(box[2])), max(top + 1, math.ceil(box[3]))
