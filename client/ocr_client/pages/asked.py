"""What an arm is asked of a request: one line, or a page of lines."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from ocr_client.config import ClientConfig
from ocr_client.deadline import Deadline
from ocr_client.errors import BadImageError, OCRError
from ocr_client.reading import LineReader
from ocr_client.request import Request
from ocr_client.results import Reading
from ocr_preprocessing.fast import Gray
from ocr_rollout.core.routing import Arm

from .finder import FindLines
from .reading import read_page
from .settings import PageSettings


def read_by(
    arm: Arm,
    request: Request,
    reader: LineReader,
    settings: PageSettings,
    find: FindLines,
    *,
    deadline: Deadline,
    last_resort: bool,
) -> Reading:
    """Raises OCRError: the arm's fault in what the arm decides, the caller's in the image."""

    def read(lines: Iterable[Gray]) -> tuple[Reading, ...]:
        return reader.read_many(
            arm,
            lines,
            name=request.name,
            deadline=deadline,
            request_id=request.request_id,
            last_resort=last_resort,
        )

    if request.sheet.page is None:
        (reading,) = read((request.gray,))
        return reading
    if request.sheet.upright:
        settings = dataclasses.replace(settings, turn=False)
    try:
        return read_page(request.gray, request.sheet.page, read, settings, find)
    except OCRError:
        raise
    except Exception as error:  # it would happen with every arm
        reason = " ".join(str(error).split())
        raise BadImageError(f"{request.name}: reading its lines failed: {reason}") from error


def deadlines_s(request: Request, config: ClientConfig) -> tuple[float, float]:
    """For the whole request, and for the candidate's part of it."""
    of = config.triton if request.sheet.page is None else config.pages
    return of.deadline_s, of.candidate_deadline_s
