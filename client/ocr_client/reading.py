"""Lines read by one arm: its spec, their preparation, its answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import numpy as np

from ocr_preprocessing.errors import ImageError
from ocr_preprocessing.fast import Gray
from ocr_preprocessing.line import prepare_line
from ocr_preprocessing.spec import LineSpec, SpecError
from ocr_preprocessing.windows import LineWindows
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

Place = tuple[int, int]  # the line, and which of its windows
MOST_COLUMNS: Final = 6_144  # pixels in a batch: 16 lines of 384


@dataclasses.dataclass(frozen=True)
class _Profile:
    """What must be known of an arm before it can be asked."""

    spec: LineSpec
    max_batch_size: int


class LineReader:
    """Asks an arm what stands in lines. Safe in threads.

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
        (reading,) = self.read_many(
            arm,
            (gray,),
            name=name,
            deadline=deadline,
            request_id=request_id,
            last_resort=last_resort,
        )
        return reading

    def read_many(
        self,
        arm: Arm,
        lines: Iterable[Gray],
        *,
        name: str,
        deadline: Deadline,
        request_id: str,
        last_resort: bool = True,
    ) -> tuple[Reading, ...]:
        """Several lines of one image, in their order; as `read` otherwise.

        Lines of one width bucket go together, wherever they stand in the image. They are taken
        one by one and made small at once, so `lines` may cut them out as they are needed.
        """
        profile = self._profiles.get(arm) or self._fetch(arm, deadline, last_resort=last_resort)
        prepared = [_prepared(arm, gray, profile.spec, name) for gray in lines]
        places = [
            (line, piece) for line, cut in enumerate(prepared) for piece in range(len(cut.windows))
        ]
        places.sort(key=lambda place: prepared[place[0]].windows[place[1]].width)
        answers: dict[tuple[int, int], tuple[Tensor, Tensor]] = {}
        for batch in _batches(
            places, lambda at: prepared[at[0]].windows[at[1]].width, profile.max_batch_size
        ):
            windows = [prepared[line].windows[piece] for line, piece in batch]
            codepoints, confidence = self._transport.infer(
                arm,
                np.stack([window.pixels for window in windows]),
                timeout_s=_left_s(arm, deadline),
                request_id=request_id,
                last_resort=last_resort,
            )
            try:
                check_answer(
                    codepoints,
                    confidence,
                    lines=len(windows),
                    steps=windows[0].width // profile.spec.stride,
                )
            except BadAnswerError as error:
                raise BadAnswerError(f"{arm}: {error}") from None
            answers.update(zip(batch, zip(codepoints, confidence, strict=True), strict=True))
        return tuple(
            _decoded(cut, [answers[line, piece] for piece in range(len(cut.windows))])
            for line, cut in enumerate(prepared)
        )

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


def _decoded(cut: LineWindows, answers: list[tuple[Tensor, Tensor]]) -> Reading:
    codepoints, confidence = cut.join(answers)
    return decode_line(codepoints, confidence, cut.x_range)


def _batches(
    places: Sequence[Place], width: Callable[[Place], int], most: int
) -> Iterator[list[Place]]:
    """Neighbours of equal width: only equal shapes make a batch.

    most: of them. All in all no more than `MOST_COLUMNS` wide, because a model computes one batch
    at a time, and the lines of others wait for it.
    """
    batch: list[Place] = []
    for place in places:
        room = min(most, max(1, MOST_COLUMNS // width(place)))
        if batch and (width(batch[0]) != width(place) or len(batch) >= room):
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def _left_s(arm: Arm, deadline: Deadline) -> float:
    left_s = deadline.left_s()
    if left_s <= 0:
        raise ArmTimeoutError(f"{arm}: the deadline passed before it was asked")
    return left_s
