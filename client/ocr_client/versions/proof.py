"""Proof that one version on one endpoint reads: every width it may meet, then the golden lines."""

from __future__ import annotations

import dataclasses
import time

import numpy as np

from ocr_client.deadline import Deadline
from ocr_client.decode import check_answer
from ocr_client.errors import OCRError
from ocr_client.reading import LineReader
from ocr_client.seam import Tensor
from ocr_client.transport import TritonTransport
from ocr_preprocessing.errors import ImageError
from ocr_preprocessing.fast import Gray
from ocr_preprocessing.finder_spec import FinderSpec, finds_lines
from ocr_preprocessing.load import load_image
from ocr_preprocessing.page.learned import MapsError, find_lines_learned
from ocr_preprocessing.spec import LineSpec, SpecError
from ocr_rollout.core.routing import Arm

from .errors import RefusedError, RepositoryError
from .golden import GoldenLine, GoldenSet, Score, score

LINE_TIMEOUT_S = 30.0  # a machine that loads a model at the same time is slow
REQUEST_ID = "golden"


def check_images(golden: GoldenSet) -> None:
    """Raises RepositoryError for an image that cannot be read: that is not the version's fault."""
    for line in golden.lines:
        _load(line)


def prove(url: str, arm: Arm, golden: GoldenSet) -> Score:
    """Warm-up and golden lines over HTTP, exactly this arm, no fallback. Raises RefusedError.

    url: HOST:PORT. The warm-up makes the runtime allocate what each width needs, so that the
    first request of a caller finds nothing cold.
    """
    transport = TritonTransport((url,), connect_timeout_s=5.0)
    try:
        facts = transport.describe(arm, timeout_s=LINE_TIMEOUT_S)
        if finds_lines(facts.parameters):
            FinderSpec.from_parameters(facts.parameters)
            return _find(transport, arm, golden)
        _warm_up(transport, arm, LineSpec.from_parameters(facts.parameters))
        return _read(transport, arm, golden)
    except (OCRError, SpecError, MapsError) as error:
        raise RefusedError(f"{arm} at {url}", (str(error),)) from error
    finally:
        transport.close()


def reference_score(url: str, arm: Arm, golden: GoldenSet) -> Score | None:
    """What the version in production reads. None when it does not answer: then only the limit counts."""
    transport = TritonTransport((url,), connect_timeout_s=5.0)
    try:
        if finds_lines(transport.describe(arm, timeout_s=LINE_TIMEOUT_S).parameters):
            return _find(transport, arm, golden)
        return _read(transport, arm, golden)
    except (OCRError, MapsError):
        return None
    finally:
        transport.close()


def _warm_up(transport: TritonTransport, arm: Arm, spec: LineSpec) -> None:
    """Raises OCRError."""
    for width in spec.width_buckets:
        image = np.full((1, 1, spec.height, width), spec.pad_value, np.uint8)
        answer = transport.infer(arm, image, timeout_s=LINE_TIMEOUT_S, request_id=REQUEST_ID)
        check_answer(*answer, lines=1, steps=width // spec.stride)


def _read(transport: TritonTransport, arm: Arm, golden: GoldenSet) -> Score:
    reader = LineReader(transport)
    readings = []
    for line in golden.lines:
        gray = _load(line)
        deadline = Deadline.after(LINE_TIMEOUT_S, time.monotonic)
        reading = reader.read(
            arm, gray, name=line.path.name, deadline=deadline, request_id=REQUEST_ID
        )
        readings.append(reading.text)
    return score(str(arm), golden, readings)


def _find(transport: TritonTransport, arm: Arm, golden: GoldenSet) -> Score:
    """Of a line finder: a golden line on which it finds no text at all counts as read wrong."""

    def ask(part: Gray) -> tuple[Tensor, Tensor]:
        return transport.maps(arm, part, timeout_s=LINE_TIMEOUT_S, request_id=REQUEST_ID)

    readings = [
        line.text if find_lines_learned(_load(line), ask).lines else "" for line in golden.lines
    ]
    return dataclasses.replace(score(str(arm), golden, readings), measure="not found:")


def _load(line: GoldenLine) -> Gray:
    try:
        return load_image(line.path)
    except ImageError as error:
        raise RepositoryError(f"golden lines: {error}") from error
