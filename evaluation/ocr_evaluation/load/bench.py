"""One arm under several loads, one after the other."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import Final

from ocr_client.client import OCRClient
from ocr_client.errors import OCRError
from ocr_client.statistics import ArmMeans, ArmStatistics, collect, means
from ocr_rollout.core.routing import Arm

from .arrivals import poisson
from .figures import Level, Shot, level
from .running import closed, opened

THREADS: Final = 64  # of an open loop; each keeps a connection
STATISTICS_S: Final = 2.0


class Bench:
    """images: bytes of image files, asked in turn. settle_s: of load before what counts."""

    def __init__(
        self,
        client: OCRClient,
        arm: Arm,
        images: Sequence[bytes],
        *,
        seconds: float,
        settle_s: float,
    ) -> None:
        self._client = client
        self._arm = arm
        self._images = images
        self._seconds = seconds
        self._settle_s = settle_s

    def closed(self, callers: int) -> Level:
        """Raises KeyboardInterrupt."""
        self._closed(callers, self._settle_s)
        before = self._statistics()
        start_s = time.monotonic()
        shots = self._closed(callers, self._seconds)
        return level(
            shots,
            loop="closed",
            load=callers,
            start_s=start_s,
            end_s=start_s + self._seconds,
            server=self._server(before),
        )

    def opened(self, rate: float, *, seed: int) -> Level:
        """Raises KeyboardInterrupt."""
        self._closed(1, self._settle_s)
        times = poisson(rate, self._seconds, seed=seed)
        before = self._statistics()
        start_s = time.monotonic()
        end_s = start_s + self._seconds
        shots, unsent = opened(
            self._ask,
            [start_s + offset_s for offset_s in times],
            threads=THREADS,
            until_s=end_s + self._client.config.triton.deadline_s,
            leave=self._leave,
        )
        return level(
            shots,
            loop="open",
            load=rate,
            start_s=start_s,
            end_s=end_s,
            unsent=unsent,
            server=self._server(before),
        )

    def _closed(self, callers: int, seconds: float) -> list[Shot]:
        until_s = time.monotonic() + seconds
        return closed(self._ask, callers=callers, until_s=until_s, leave=self._leave)

    def _ask(self, number: int) -> str:
        try:
            self._client.recognize(self._images[number % len(self._images)], arm=self._arm)
        except OCRError as error:
            return type(error).__name__
        return ""

    def _leave(self) -> None:
        self._client.close(thread_ends=True)

    def _server(self, before: Sequence[ArmStatistics]) -> ArmMeans | None:
        """What Triton has counted since; None where it does not tell."""
        between = means(before, self._statistics())
        return next((one for one in between if one.arm == self._arm), None)

    def _statistics(self) -> tuple[ArmStatistics, ...]:
        with contextlib.suppress(OCRError):
            return collect(self._client.config.triton.urls, timeout_s=STATISTICS_S)
        return ()
