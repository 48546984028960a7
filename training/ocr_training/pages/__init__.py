"""Made pages: image, and where each line stands, what it says, and in which order it is read."""

from .made import KINDS, SURROUNDINGS, MadePage, PageMaker
from .sheet import TrueLine

__all__ = ["KINDS", "SURROUNDINGS", "MadePage", "PageMaker", "TrueLine"]
