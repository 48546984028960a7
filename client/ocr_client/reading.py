"""One line read by one arm: its spec, its preparation, its answer."""

from __future__ import annotations

import dataclasses

import numpy as np

from ocr_preprocessing.errors import ImageError
from ocr_preprocessing.fast import Gray
from ocr_preprocessing.line import prepare_line
from ocr_preprocessing.spec import LineSpec, SpecError
from ocr_preprocessing.windows import LineWindows, Window
from ocr_rollout.core.routing import Arm

from .deadline import Deadline
from .decode import Tensor, check_answer, decode_line
from .errors import (
    ArmTimeoutError,
    BadAnswerError,
    BadImageError,
    BadSpecError,
    OCRError,
    PreparationError,
)
from .results import Reading
from .transport import Transport


@dataclasses.dataclass(frozen=True)
class _Profile:
    """What must be known of an arm before it can be asked."""

    spec: LineSpec
    max_batch_size: int


class LineReader:
    """Asks an arm what stands in a line. Safe in threads.

    Profiles are kept for good: a model's spec never changes under its name (another spec is
    another model name). Two threads may ask for one at the same time; both get the same.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._profiles: dict[Arm, _Profile] = {}

    def read(
        self,
        arm: Arm,
        gray: Gray,
        *,
        name: str,
        deadline: Deadline,
        request_id: str,
        last_resort: bool = True,
    ) -> Reading:
        """Raises OCRError: the arm's fault in what the arm decides, the caller's in the image.

        gray: (H, W) UINT8, upright, one line of text. name: what errors call the image.
        last_resort: False where somebody else can answer in this arm's place (see `Transport`).
        """
        profile = self._profiles.get(arm) or self._fetch(arm, deadline, last_resort=last_resort)
        line = _prepared(arm, gray, profile.spec, name)
        answers: list[tuple[Tensor, Tensor]] = []
        for batch in _batches(line.windows, profile.max_batch_size):
            image = np.stack([window.pixels for window in batch])
            codepoints, confidence = self._transport.infer(
                arm,
                image,
                timeout_s=_left_s(arm, deadline),
                request_id=request_id,
                last_resort=last_resort,
            )
            try:
                check_answer(
                    codepoints,
                    confidence,
                    lines=len(batch),
                    steps=batch[0].width // profile.spec.stride,
                )
            except BadAnswerError as error:
                raise BadAnswerError(f"{arm}: {error}") from None
            answers.extend(zip(codepoints, confidence, strict=True))
        codepoints, confidence = line.join(answers)
        return decode_line(codepoints, confidence, line.x_range)

    def _fetch(self, arm: Arm, deadline: Deadline, *, last_resort: bool) -> _Profile:
        facts = self._transport.describe(
            arm, timeout_s=_left_s(arm, deadline), last_resort=last_resort
        )
        try:
            spec = LineSpec.from_parameters(facts.parameters)
        except SpecError as error:
            raise BadSpecError(
                f"{arm}: its model configuration lacks a line spec: {error}"
            ) from None
        profile = _Profile(spec, facts.max_batch_size)
        self._profiles[arm] = profile
        return profile


def _prepared(arm: Arm, gray: Gray, spec: LineSpec, name: str) -> LineWindows:
    try:
        return prepare_line(gray, spec, name=name)
    except ImageError as error:
        raise BadImageError.of(error) from error
    except OCRError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())
        raise PreparationError(f"{arm}: preparing {name} failed: {reason}") from error


def _batches(windows: tuple[Window, ...], most: int) -> list[list[Window]]:
    """Neighbours of equal width, `most` at a time: only equal shapes make a batch."""
    batches: list[list[Window]] = []
    for window in windows:
        if batches and batches[-1][0].width == window.width and len(batches[-1]) < most:
            batches[-1].append(window)
        else:
            batches.append([window])
    return batches


def _left_s(arm: Arm, deadline: Deadline) -> float:
    left_s = deadline.left_s()
    if left_s <= 0:
        raise ArmTimeoutError(f"{arm}: the deadline passed before it was asked")
    return left_s
