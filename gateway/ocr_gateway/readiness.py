"""Whether stable answers: asked of Triton, at most once a second however often it is looked up."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
from collections.abc import Callable
from typing import Final

from ocr_client import OCRClient, OCRError
from ocr_rollout.core.routing import Arm

from .crew import Crew

log = logging.getLogger("ocr_gateway")

KEPT_S: Final = 1.0
ASKED_S: Final = 2.0


@dataclasses.dataclass(frozen=True)
class Ready:
    """reason: why not, in words for anybody; the log has the addresses. None where it is."""

    reason: str | None
    at_s: float


class Readiness:
    """For one event loop. forced: the arm that has to answer in stable's place."""

    def __init__(
        self,
        client: OCRClient,
        crew: Crew,
        forced: Arm | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._crew = crew
        self._forced = forced
        self._clock = clock
        self._last: Ready | None = None
        self._asking: asyncio.Task[Ready] | None = None
        self._told: str | None = None

    async def reason(self) -> str | None:
        """Why it is not ready; None where it is. Never raises; takes `ASKED_S` at most."""
        last = self._last
        if last is not None and self._clock() - last.at_s < KEPT_S:
            return last.reason
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        done, _ = await asyncio.wait({self._asking}, timeout=ASKED_S)
        if not done:
            return "Triton did not answer in time"
        return self._asking.result().reason

    async def _ask(self) -> Ready:
        reason = await self._crew.run(self._fault)
        self._last = Ready(reason, self._clock())
        return self._last

    def _fault(self) -> str | None:
        try:
            self._client.check(self._forced, timeout_s=ASKED_S / 2)
        except OCRError as error:
            self._tell(f"not ready: {error}")
            return "the arm in production does not answer"
        self._tell(None)
        return None

    def _tell(self, line: str | None) -> None:
        """Once for each change."""
        if line == self._told:
            return
        self._told = line
        if line is None:
            log.info("ready again")
        else:
            log.warning(line)
