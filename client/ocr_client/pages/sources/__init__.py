"""Where pages come from: image files, folders, patterns, PDFs, TIFFs, addresses and stdin."""

from ocr_client.errors import PageError

from .arguments import Missing, Wanted, pages_of
from .page import Page

__all__ = ["Missing", "Page", "PageError", "Wanted", "pages_of"]
