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
from .rescue import complaint
from .results import AnswerReason, LineResult


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """view: what it was routed by, and what it finishes on. key: of its route.

    gray: (H, W) UINT8. borrowed: they may be the caller's own pixels. name: what errors call the
    image.
    """

    view: View
    gray: Gray
    borrowed: bool
    name: str
    key: str
    assignment: Assignment
    request_id: str


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
    return Request(view, gray, borrowed, name, key, assignment, request_id)


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
    elif answered.rescue == "rescued" and answered.finding is not None:
        reason, fault = "rescued", complaint(assignment.arm, answered.finding)
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
    )
