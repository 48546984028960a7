"""The seam to whatever computes: two questions about one arm, and what is known of its endpoints.

`transport` asks a real Triton, `fake` answers by itself.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ocr_rollout.core.routing import Arm

from .endpoints import EndpointState

Tensor = npt.NDArray[Any]


@dataclasses.dataclass(frozen=True)
class ModelFacts:
    """What Triton's model configuration says about a model.

    max_batch_size: lines in one request, 1 or more.
    parameters: the string pairs of `parameters` in config.pbtxt.
    """

    max_batch_size: int
    parameters: Mapping[str, str]


class Transport(Protocol):
    """Raises OCRError only. Safe to call from several threads at a time.

    last_resort: nobody answers in this arm's place, so it is asked even where its breakers are
        open. False: ArmBrokenError at once, for the caller has somebody else to ask.
    """

    def infer(
        self,
        arm: Arm,
        image: npt.NDArray[np.uint8],
        *,
        timeout_s: float,
        request_id: str,
        last_resort: bool = True,
    ) -> tuple[Tensor, Tensor]:
        """Lines (N, 1, height, W) -> `codepoints` and `confidence`, (N, T) each, unchecked."""

    def maps(
        self, arm: Arm, page: npt.NDArray[np.uint8], *, timeout_s: float, request_id: str
    ) -> tuple[Tensor, Tensor]:
        """Parts of pages (N, 1, H, W) -> `where` and `shape` of a line finder, unchecked.

        Somebody else can do it, so nobody is the last resort.
        """

    def describe(self, arm: Arm, *, timeout_s: float, last_resort: bool = True) -> ModelFacts:
        """The model's configuration."""

    def endpoints(self) -> tuple[EndpointState, ...]:
        """What this process knows of the endpoints now, without asking them; for metrics."""

    def close(self, *, thread_ends: bool = False) -> None:
        """Closes the connection of the calling thread; the next call opens another one.

        thread_ends: nothing more happens in this thread, so whatever was kept for it goes, too.
        """
