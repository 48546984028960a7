"""Whether an image is one line or a page, and what is to be read of it."""

from __future__ import annotations

import dataclasses
from typing import Final

from ocr_client.errors import BadImageError
from ocr_preprocessing.errors import ImageError
from ocr_preprocessing.fast import Gray
from ocr_preprocessing.page import Finder, FoundPage, plainly_one_row

from .finder import FindLines
from .settings import PageSettings


@dataclasses.dataclass(frozen=True)
class Sheet:
    """page: None where the whole image is one line. reason: how that was decided, one line.

    finder: who looked for lines; None: nobody had to. upright: the caller says that the page is not
    turned, so that its other sides need no look.
    """

    page: FoundPage | None = None
    reason: str = "asked for as one line"
    finder: Finder | None = None
    upright: bool = False


A_LINE: Final = Sheet()
LOW: Final = 100  # pixels: what is no higher is most likely a line, however little is seen in it


def looked_at(gray: Gray, settings: PageSettings, find: FindLines, *, line: bool | None) -> Sheet:
    """Raises BadImageError.

    gray: (H, W) UINT8. find: the finder of lines. line: what the caller says it is; None: the image decides.
    """
    if line:
        return A_LINE
    if line is None and plainly_one_row(gray):
        return Sheet(None, "one row of writing fills the strip")
    page = found_in(gray, settings, find)
    if line is None and not any(found.vertical for found in page.lines):
        if page.is_line:
            return Sheet(None, page.reason or "the image is one line of text", page.finder)
        if gray.shape[0] <= LOW and _is_one_row(page):
            reason = f"at most {LOW} pixels high, and nothing stands below anything"
            return Sheet(None, reason, page.finder)
    if not page.lines:
        return Sheet(page, page.reason or "no text was found", page.finder)
    count = f"{len(page.lines)} line{'s' if len(page.lines) > 1 else ''} of text found"
    reason = "asked for as a page" if line is False else page.reason or count
    return Sheet(page, reason, page.finder)


def reason_of(sheet: Sheet, kept: int) -> str:
    """How it was decided what the image is, and of a page without text why it has none.

    kept: lines of the page that were read as text, and surely enough.
    """
    if sheet.page is None or kept or not sheet.page.lines:
        return sheet.reason
    likely = len(sheet.page.lines)
    of = f"{likely:,} likely lines" if likely > 1 else "one likely line"
    return f"no text found: of {of} none could be read surely"


def _is_one_row(page: FoundPage) -> bool:
    """Whether every line's middle lies within the highest one; of no lines as well."""
    rows = [(min(y for _, y in found.quad), max(y for _, y in found.quad)) for found in page.lines]
    top, bottom = max(rows, key=lambda row: row[1] - row[0], default=(0.0, 0.0))
    return all(top <= (low + high) / 2 <= bottom for low, high in rows)


def found_in(gray: Gray, settings: PageSettings, find: FindLines) -> FoundPage:
    """Raises BadImageError: whatever happens here happens with every arm."""
    try:
        page = find(gray, settings)
    except ImageError as error:
        raise BadImageError.of(error) from error
    except Exception as error:
        reason = " ".join(str(error).split())
        raise BadImageError(f"finding lines failed: {reason}") from error
    most, count = settings.max_lines, len(page.lines)
    if count <= most:
        return page
    reason = f"only the first {most:,} of {count:,} lines were read (pages.max_lines)"
    return dataclasses.replace(page, lines=page.lines[:most], reason=reason)
