"""Finding the lines of text on a page, and cutting them out."""

from .cut import rectified
from .finder import find_lines
from .found import Finder, FinderSettings, FoundLine, FoundPage
from .frame import Frame, frame_of
from .glance import plainly_one_row
from .ground import evenness
from .marks import Marks, marks_of
from .slip import is_slip
from .vertical import LaidOut, cells, laid_out, lay_out

__all__ = [
    "Finder",
    "FinderSettings",
    "FoundLine",
    "FoundPage",
    "Frame",
    "LaidOut",
    "Marks",
    "cells",
    "evenness",
    "find_lines",
    "frame_of",
    "is_slip",
    "laid_out",
    "lay_out",
    "marks_of",
    "plainly_one_row",
    "rectified",
]
