"""Every line through every arm. An arm is named in each request: no routing, no fallback."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Generator, Sequence
from pathlib import Path

from ocr_client.client import OCRClient
from ocr_client.config import ClientConfig
from ocr_client.errors import BadArmError, BadImageError, OCRError
from ocr_client.fan_out import in_order
from ocr_rollout.core.garbled import Kind, examine
from ocr_rollout.core.routing import Arm, RoutingError

from .labels import Line


@dataclasses.dataclass(frozen=True)
class Answer:
    """confidence: 0..1. time_ms: of the request, decoding the image included.

    height: of the image in pixels. kind: what the rollout's check says of the text.
    """

    text: str
    confidence: float
    time_ms: float
    height: int
    kind: Kind


@dataclasses.dataclass(frozen=True)
class Failure:
    """No answer. owner: who has to act, as `ocr_client.errors` has it."""

    error: str
    name: str
    owner: str


@dataclasses.dataclass(frozen=True)
class Read:
    """One line, and what became of it with each arm, in the order of the arms."""

    line: Line
    results: tuple[Answer | Failure, ...]

    @property
    def answers(self) -> tuple[Answer, ...] | None:
        """None where an arm failed: then the line compares nothing."""
        found = tuple(result for result in self.results if isinstance(result, Answer))
        return found if len(found) == len(self.results) else None


def measuring(config: ClientConfig) -> ClientConfig:
    """The same Triton and limits, and no part in any rollout: what is measured counts nowhere."""
    return ClientConfig(triton=config.triton, limits=config.limits)


def chosen(names: Sequence[str], config: ClientConfig) -> tuple[Arm, ...]:
    """MODEL:VERSION each; the configuration's two where none is named.

    Raises BadArmError on a name that is none, on one arm only, and on one that is named twice.
    """
    routing = config.model_routing
    arms = tuple(map(_arm, names)) or (routing.stable, routing.candidate)
    if len(arms) < 2:
        raise BadArmError(f"{arms[0]} alone compares nothing; name another arm with --arms")
    twice = next((arm for k, arm in enumerate(arms) if arm in arms[:k]), None)
    if twice is not None:
        raise BadArmError(f"{twice} is named twice; an arm differs from itself by nothing")
    return arms


def _arm(name: str) -> Arm:
    try:
        return Arm.parse(name)
    except RoutingError as error:
        raise BadArmError(str(error)) from None


def read_all(
    client: OCRClient, arms: Sequence[Arm], lines: Sequence[Line], folder: Path, *, threads: int
) -> Generator[Read, None, None]:
    """In the order of the lines, as they come. Never raises for a line that fails.

    A line's arms are asked one after the other, another one first each time: none of them finds
    the machine, or the file, readier than the others do.
    """
    read = functools.partial(_read, client, tuple(arms), folder)
    return in_order(
        read, enumerate(lines), threads=threads, leave=lambda: client.close(thread_ends=True)
    )


def _read(client: OCRClient, arms: tuple[Arm, ...], folder: Path, item: tuple[int, Line]) -> Read:
    number, line = item
    order = [(number + k) % len(arms) for k in range(len(arms))]
    try:
        content = (folder / line.file).read_bytes()
    except OSError as error:
        lost = Failure(f"{line.file}: {error.strerror or error}", BadImageError.__name__, "caller")
        return Read(line, (lost,) * len(arms))
    found = {place: _ask(client, arms[place], content) for place in order}
    return Read(line, tuple(found[place] for place in range(len(arms))))


def _ask(client: OCRClient, arm: Arm, content: bytes) -> Answer | Failure:
    try:
        result = client.recognize(content, arm=arm)
    except OCRError as error:
        return Failure(str(error), type(error).__name__, error.owner)
    kind = examine(result.text).kind
    return Answer(result.text, result.confidence, result.time_ms, result.height, kind)
