"""A transport without a server, for tests of this package and of programs that use it.

client = OCRClient(transport=FakeTransport({Arm("convnext", 1): "text of every line"}))
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from ocr_preprocessing.spec import LineSpec
from ocr_rollout.core.routing import Arm

from .endpoints import EndpointState
from .errors import BadAnswerError, ModelMissingError, OCRError
from .seam import ModelFacts, Tensor

Handler = Callable[[npt.NDArray[np.uint8]], tuple[Tensor, Tensor]]


@dataclasses.dataclass(frozen=True)
class Asked:
    """One call of `infer`, as it arrived."""

    arm: Arm
    shape: tuple[int, ...]
    timeout_s: float
    request_id: str
    last_resort: bool = True


class FakeTransport:
    """Arms answer with a text, raise an OCRError, or call a handler on the tensor (N, 1, H, W).

    arms: may be changed at any time; an arm that is not in it is missing on the "server".
    asked: every call of `infer`, in order.
    """

    def __init__(
        self,
        arms: Mapping[Arm, str | OCRError | Handler],
        *,
        spec: LineSpec | None = None,
        max_batch_size: int = 16,
    ) -> None:
        self.arms = dict(arms)
        self.asked: list[Asked] = []
        self._spec = spec or LineSpec()
        self._max_batch_size = max_batch_size

    def infer(
        self,
        arm: Arm,
        image: npt.NDArray[np.uint8],
        *,
        timeout_s: float,
        request_id: str,
        last_resort: bool = True,
    ) -> tuple[Tensor, Tensor]:
        self.asked.append(Asked(arm, image.shape, timeout_s, request_id, last_resort))
        answer = self._arm(arm)
        if isinstance(answer, OCRError):
            raise answer
        if callable(answer):
            return answer(image)
        return spelled(answer, lines=image.shape[0], steps=image.shape[3] // self._spec.stride)

    def maps(
        self,
        arm: Arm,
        page: npt.NDArray[np.uint8],
        *,
        timeout_s: float,
        request_id: str,
    ) -> tuple[Tensor, Tensor]:
        """Of the arm's handler; one that is not there is missing, as on a server without it."""
        answer = self._arm(arm)
        self.asked.append(Asked(arm, page.shape, timeout_s, request_id, last_resort=False))
        if isinstance(answer, OCRError):
            raise answer
        if isinstance(answer, str):
            raise BadAnswerError(f"{arm} reads lines, and finds none")
        return answer(page)

    def describe(
        self,
        arm: Arm,
        *,
        timeout_s: float,  # noqa: ARG002  # the protocol's
        last_resort: bool = True,  # noqa: ARG002  # the protocol's
    ) -> ModelFacts:
        self._arm(arm)
        return ModelFacts(self._max_batch_size, self._spec.to_parameters())

    def endpoints(self) -> tuple[EndpointState, ...]:
        """There are none."""
        return ()

    def close(self, *, thread_ends: bool = False) -> None:
        """Nothing is open."""

    def _arm(self, arm: Arm) -> str | OCRError | Handler:
        if arm not in self.arms:
            there = ", ".join(map(str, sorted(self.arms))) or "nothing"
            raise ModelMissingError(f"{arm} is not on the server; there is: {there}")
        return self.arms[arm]


def spelled(
    text: str, *, lines: int, steps: int, confidence: float = 0.9
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """What a model would answer that reads `text`: a step for each character, blanks between.

    Raises ValueError when the text needs more steps than there are.
    """
    if 2 * len(text) > steps:
        raise ValueError(f"{len(text)} characters need {2 * len(text)} steps, not {steps}")
    codepoints = np.zeros((lines, steps), np.int32)
    codepoints[:, : 2 * len(text) : 2] = [ord(character) for character in text]
    return codepoints, np.full((lines, steps), confidence, np.float32)
