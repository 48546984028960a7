"""What was read, written: plain text, JSON, Markdown, HTML, CSV, hOCR, ALTO, and PDF with
text to search.
"""

from .entry import Entry, Failure
from .writer import FORMATS, Format, Writer, writer_for

__all__ = ["FORMATS", "Entry", "Failure", "Format", "Writer", "writer_for"]
