"""One image through both arms, as a shadow would read it: by name, no fallback, counted nowhere."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

from ocr_client.client import OCRClient
from ocr_client.config import ClientConfig
from ocr_client.errors import BadImageError, OCRError, UnreachableError
from ocr_client.operations.refused import RefusedError
from ocr_client.outcomes import outcome_of
from ocr_client.request import loaded
from ocr_client.transport import Transport
from ocr_evaluation.reading import measuring
from ocr_rollout.core.outcomes import Outcome
from ocr_rollout.core.routing import Arm


@dataclasses.dataclass(frozen=True)
class Attempt:
    """An answer, or what became of it instead.

    text, confidence: of an answer; what it counts as is found out later, for that depends on the
        answers before it. fault: None for an answer. why: one line, of a fault.
    ms: from the decoded image to the end, as the judge's latencies are.
    """

    text: str = ""
    confidence: float = 0.0
    ms: float = 0.0
    fault: Outcome | None = None
    why: str = ""


@dataclasses.dataclass(frozen=True)
class Reading:
    """digest: SHA-256 of the file. height, width: pixels, upright; 0 where it cannot be decoded."""

    digest: str
    height: int
    width: int
    stable: Attempt
    candidate: Attempt

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Reading:
        """Raises LookupError or TypeError on a document that is none."""
        arms = {role: Attempt(**document[role]) for role in ("stable", "candidate")}
        return cls(**{**document, **arms})


class StoppedError(RefusedError):
    """An arm cannot be asked now, which says nothing about any image. One line."""


class Reader:
    """Both arms, each with the time that it has in production. Safe in threads.

    Raises OCRError where one of them cannot be asked. transport: instead of the configured Triton.
    """

    def __init__(
        self,
        config: ClientConfig,
        stable: Arm,
        candidate: Arm,
        *,
        transport: Transport | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        triton = config.triton
        short = dataclasses.replace(triton, deadline_s=triton.candidate_deadline_s)
        self._most = config.limits.max_pixels
        self._clock = clock
        self._asked = (
            (_client(config, transport), stable),
            (_client(dataclasses.replace(config, triton=short), transport), candidate),
        )
        for client, arm in self._asked:
            client.check(arm, timeout_s=triton.deadline_s)

    def read(self, number: int, name: str, digest: str, content: bytes) -> Reading:
        """number: of the image; the arms take turns in being first. Raises StoppedError."""
        try:
            gray = loaded(content, self._most)
        except BadImageError as error:
            unread = Attempt(fault="client_fault", why=str(error))
            return Reading(digest, 0, 0, unread, unread)
        found: dict[int, Attempt] = {}
        for place in (0, 1) if number % 2 else (1, 0):
            client, arm = self._asked[place]
            began_s = self._clock()
            try:
                result = client.recognize(gray, arm=arm)
            except OCRError as error:
                fault = outcome_of(error)
                if fault in {None, "draining"} or isinstance(error, UnreachableError):
                    raise StoppedError(
                        f"at {name}: {error}; run it again to go on there"
                    ) from error
                found[place] = Attempt(ms=self._ms(began_s), fault=fault, why=str(error))
            else:
                ms = self._ms(began_s)
                found[place] = Attempt(result.text, result.confidence, ms)
        height, width = gray.shape
        return Reading(digest, height, width, found[0], found[1])

    def leave(self) -> None:
        """For a thread that ends."""
        for client, _ in self._asked:
            client.close(thread_ends=True)

    def close(self) -> None:
        for client, _ in self._asked:
            client.close()

    def _ms(self, began_s: float) -> float:
        return round((self._clock() - began_s) * 1e3, 3)


def _client(config: ClientConfig, transport: Transport | None) -> OCRClient:
    return OCRClient(measuring(config), transport=transport)
