"""Who finds the lines of a page: the classical finder here, or the model at Triton.

The model is a help, not a need: where it is absent, or fails, the classical one finds the lines,
and the result says so. Its faults are nobody's in a rollout, for it is asked before any arm is.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

from ocr_client.deadline import Deadline
from ocr_client.errors import ArmTimeoutError, BadAnswerError, ModelMissingError, OCRError
from ocr_client.seam import Tensor, Transport
from ocr_preprocessing.fast import Gray
from ocr_preprocessing.page import FoundPage, evenness, find_lines, is_slip
from ocr_preprocessing.page.learned import MapsError, find_lines_learned
from ocr_rollout.core.routing import Arm

from .settings import FinderChoice, PageSettings

log = logging.getLogger("ocr_client")

LOW: Final = 128  # pixels; a strip is a line, or a few, and the classical finder needs no server
# Of made scans .76 is the least, of 8 real receipts .78; of photographs seldom more than .59.
EVEN: Final = 0.65
SMALL: Final = 256  # pixels of the shorter side
SHARE: Final = 0.25  # of the page's deadline that the model may use, all tiles together
AWAY_S: Final = 30.0  # after which a model that was missing is asked for again
REQUEST_ID: Final = "lines"


class FindLines(Protocol):
    """Raises ImageError at most: what happens here would happen with every arm."""

    def __call__(self, gray: Gray, settings: PageSettings, /) -> FoundPage: ...


def asks_model(choice: FinderChoice, gray: Gray) -> bool:
    """Whether an image (H, W) UINT8 is shown to the model. Pure; so is `asks_again`."""
    return choice == "learned" or (choice == "auto" and min(gray.shape) > LOW)


def asks_again(choice: FinderChoice, gray: Gray, found: FoundPage) -> bool:
    """Whether the classical finder's lines are taken instead of those that the model has found.

    `auto`: on slips that lie flat, for whose rows of letters on a grid its rules of gaps are made;
    photographs of slips are the model's. And where the model sees nothing on even ground or in a
    small image, which may be a line whose letters fill it. The figures are in finding-lines.md.
    """
    if choice != "auto" or (found.lines and not is_slip(found)):
        return False
    return evenness(gray) >= EVEN or (not found.lines and min(gray.shape) <= SMALL)


class PageFinder:
    """Finds lines by the finder that the settings choose. Safe in threads.

    clock: a monotonic one, in seconds.
    """

    def __init__(self, transport: Transport, clock: Callable[[], float] = time.monotonic) -> None:
        self._transport = transport
        self._clock = clock
        self._lock = threading.Lock()
        self._missing: dict[Arm, float] = {}  # until when it is not asked for

    def __call__(self, gray: Gray, settings: PageSettings, /) -> FoundPage:
        """Lines of the page (H, W) UINT8."""
        if not asks_model(settings.finder, gray) or self._is_missing(settings.finder_model):
            return find_lines(gray)
        try:
            found = self._learned(gray, settings)
        except (OCRError, MapsError) as error:
            self._note(settings.finder_model, error)
            return find_lines(gray)
        return find_lines(gray) if asks_again(settings.finder, gray, found) else found

    def _learned(self, gray: Gray, settings: PageSettings) -> FoundPage:
        """Raises OCRError, MapsError."""
        arm = settings.finder_model
        deadline = Deadline.after(SHARE * settings.deadline_s, self._clock)

        def ask(part: Gray) -> tuple[Tensor, Tensor]:
            left_s = deadline.left_s()
            if left_s <= 0:
                raise ArmTimeoutError(f"{arm}: the page took longer than the line finder has")
            return self._transport.maps(arm, part, timeout_s=left_s, request_id=REQUEST_ID)

        return find_lines_learned(gray, ask)

    def _is_missing(self, arm: Arm) -> bool:
        with self._lock:
            return self._missing.get(arm, float("-inf")) > self._clock()

    def _note(self, arm: Arm, error: OCRError | MapsError) -> None:
        if isinstance(error, ModelMissingError):
            with self._lock:
                self._missing[arm] = self._clock() + AWAY_S
        if isinstance(error, MapsError):
            error = BadAnswerError(f"{arm}: {error}")
        log.warning("lines are found by the classical finder: %s: %s", type(error).__name__, error)
