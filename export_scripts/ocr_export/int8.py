"""A graph whose convolutions and matrix products compute in 8 bits: smaller, and twice as fast.

Static quantisation (Jacob et al. 2018, "Quantization and Training of Neural Networks for
Efficient Integer-Arithmetic-Only Inference") as ONNX Runtime's tool does it: weights in INT8 with
one scale a channel, activations in UINT8 with one scale a tensor, found on calibration lines.
Static, because dynamic scales are taken over the whole batch, so that a line would read otherwise
in other company. LSTM cells stay in FP32.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import math
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import onnx
from onnxruntime import quantization
from onnxruntime.quantization.shape_inference import quant_pre_process

from .graph import INPUT
from .parity import Tensor, differences, of_graph

LEAST_LINES: Final = 50  # fewer leave the scales to chance
OPERATORS: Final = ("Conv", "MatMul")
# Runs of equal steps may end one step sooner or later without another text; of steps beyond this
# share, texts differ too.
STEPS_LIMIT: Final = 0.03


class CalibrationError(ValueError):
    """It cannot be quantised on these lines, or reads too differently then. One line."""


@dataclasses.dataclass(frozen=True)
class Drift:
    """What quantising changed. differing_steps: of `steps`, with another code point.

    confidence_shift: mean absolute difference of the steps' confidences.
    """

    steps: int
    differing_steps: int
    confidence_shift: float

    def __str__(self) -> str:
        return (
            f"{self.differing_steps} of {self.steps} steps have another code point than in FP32,"
            f" confidence differs by {self.confidence_shift:.2g} on average"
        )

    @property
    def tolerable(self) -> bool:
        """Nothing compared is not tolerable, nor is a confidence that is not a number."""
        few = self.differing_steps <= STEPS_LIMIT * self.steps
        return self.steps > 0 and few and math.isfinite(self.confidence_shift)


def quantised(model: bytes, lines: Sequence[Tensor]) -> bytes:
    """The graph in 8 bits, with the same input and outputs.

    model: of `to_onnx`. lines: (1, 1, 32, W) UINT8 each, as they are served.
    Raises CalibrationError on too few lines.
    """
    if len(lines) < LEAST_LINES:
        raise CalibrationError(
            f"{len(lines)} lines are too few to calibrate on; at least {LEAST_LINES} are needed"
        )
    with tempfile.TemporaryDirectory() as folder, _quiet():
        given, prepared, done = (Path(folder) / f"{name}.onnx" for name in ("fp32", "prep", "int8"))
        given.write_bytes(model)
        # Symbolic shapes do not get past the LSTM's reshape; the tool needs none of them.
        quant_pre_process(given, prepared, skip_symbolic_shape=True)
        quantization.quantize_static(
            prepared,
            done,
            _Lines(lines),
            op_types_to_quantize=list(OPERATORS),
            per_channel=True,
            # 7 bits of weight: with 8, processors without VNNI add two products beyond 16 bits
            # and saturate, so the same file would read otherwise there.
            reduce_range=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )
        graph = onnx.load(done)
    used = {node.domain for node in graph.graph.node}
    kept = [entry for entry in graph.opset_import if entry.domain in used]
    del graph.opset_import[:]  # the tool declares eight more, which an older server may not know
    graph.opset_import.extend(kept)
    onnx.checker.check_model(graph, full_check=True)
    return bytes(graph.SerializeToString(deterministic=True))


def drift(model: bytes, of: bytes, lines: Sequence[Tensor]) -> Drift:
    """How the graph `model` reads the lines against the graph `of`, both in ONNX Runtime."""
    found = differences(of_graph(model), of_graph(of), lines)
    return Drift(found.steps, found.differing_steps, found.mean)


class _Lines(quantization.CalibrationDataReader):  # type: ignore[misc]  # it has no types
    def __init__(self, lines: Sequence[Tensor]) -> None:
        self._left = iter(lines)

    def get_next(self) -> dict[str, Tensor] | None:
        line = next(self._left, None)
        return None if line is None else {INPUT: line}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The tool recommends its own preprocessing again, which was just done."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(before)
