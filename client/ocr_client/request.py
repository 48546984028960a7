"""One request's own facts: the image, where it goes, and what becomes its result."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import threading
from types import TracebackType

import numpy as np

from ocr_preprocessing.errors import ImageError
from ocr_preprocessing.fast import Gray
from ocr_preprocessing.load import Source, load_image
from ocr_rollout.core.routing import (
    Arm,
    Assignment,
    RoutingError,
    bucket_of,
    choose_arm,
    route_key,
)
from ocr_rollout.runtime import View

from .errors import BadArmError, BadImageError
from .fallback import Answer
from .pages.sheet import A_LINE, Sheet, reason_of
from .pages.structure import blocks_of
from .rescue import complaint
from .results import AnswerReason, LineResult, PageResult, ReadLine


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """view: what it was routed by, and what it finishes on. key: of its route.

    gray: (H, W) UINT8. borrowed: they may be the caller's own pixels. name: what errors call the
    image. user_id: as the caller gave it. sheet: whether it is one line, or a page of which lines.
    """

    view: View
    gray: Gray
    borrowed: bool
    name: str
    key: str
    assignment: Assignment
    request_id: str
    user_id: str | None = None
    sheet: Sheet = A_LINE

    @property
    def lines(self) -> int:
        """That are read: what its time is divided by, so that a page and a line weigh alike."""
        return max(1, len(self.sheet.page.lines)) if self.sheet.page else 1


class InFlight:
    """Counts the requests under way; a context manager around each."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now = 0

    def __enter__(self) -> None:
        with self._lock:
            self.now += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self.now -= 1


def parsed_arm(arm: Arm | str | None) -> Arm | None:
    """Raises BadArmError."""
    if not isinstance(arm, str):
        return arm
    try:
        return Arm.parse(arm)
    except RoutingError as error:
        raise BadArmError(str(error)) from None


def loaded(image: Source, max_pixels: int) -> Gray:
    """Raises BadImageError."""
    try:
        return load_image(image, max_pixels=max_pixels)
    except ImageError as error:
        raise BadImageError.of(error) from error
    except (TypeError, ValueError) as error:  # not a source at all, or a path no system takes
        reason = " ".join(str(error).split())
        raise BadImageError(
            f"{type(image).__name__} is no image that can be read: {reason}"
        ) from error


def routed(
    view: View,
    image: Source,
    gray: Gray,
    *,
    user_id: str | None,
    request_id: str,
    forced: Arm | None,
    sheet: Sheet = A_LINE,
) -> Request:
    """Where a request goes."""
    needed = view.sticky == "user_image" or (view.sticky == "user" and user_id is None)
    key = route_key(
        view.sticky,
        user_id=user_id,
        image_digest=image_digest(gray) if needed else "",
        request_id=request_id,
    )
    assignment = choose_arm(view.table, bucket_of(key, view.salt), forced=forced)
    borrowed = isinstance(image, np.ndarray)
    name = os.fspath(image) if isinstance(image, str | os.PathLike) else "the image"
    return Request(view, gray, borrowed, name, key, assignment, request_id, user_id, sheet)


def image_digest(gray: Gray) -> str:
    """Of the gray pixels: one image meets one arm, however it is handed over.

    sha256 takes less than half of md5's time where the CPU has it.
    """
    digest = hashlib.sha256(str(gray.shape).encode() + b" ")
    digest.update(gray.data)
    return digest.hexdigest()


def result_of(request: Request, answered: Answer, time_ms: float) -> LineResult:
    assignment = request.assignment
    reason: AnswerReason = assignment.reason
    fault = None
    if answered.fault is not None:
        reason, fault = "fell_back", str(answered.fault)
    elif answered.rescued is not None:
        reason, fault = "rescued", complaint(assignment.arm, answered.rescued)
    return LineResult(
        text=answered.reading.text,
        confidence=answered.reading.confidence,
        characters=answered.reading.characters,
        arm=answered.arm,
        bucket=assignment.bucket,
        rollout=request.view.rollout_id,
        generation=request.view.generation,
        fell_back=reason == "fell_back",
        rescued=reason == "rescued",
        reason=reason,
        fault=fault,
        time_ms=time_ms,
        request_id=request.request_id,
        width=request.gray.shape[1],
        height=request.gray.shape[0],
    )


def page_result_of(request: Request, answered: Answer, time_ms: float) -> PageResult:
    """The same of an image that may be a page."""
    base = result_of(request, answered, time_ms)
    reading, page = answered.reading, request.sheet.page
    whole = ReadLine(
        base.text,
        base.confidence,
        base.characters,
        ((0, 0), (base.width, 0), (base.width, base.height), (0, base.height)),
        vertical=False,
        block=0,
    )
    lines = (whole,) if page is None else reading.lines
    return PageResult(
        **{field.name: getattr(base, field.name) for field in dataclasses.fields(base)},
        mode="line" if page is None else "page",
        mode_reason=reason_of(request.sheet, len(lines)),
        finder=request.sheet.finder,
        lines=lines,
        blocks=blocks_of(lines) if page is None else reading.blocks,
        turned=reading.turned,
        angle=reading.angle,
        fields=reading.fields,
    )
