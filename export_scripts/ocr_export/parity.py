"""Does the exported graph say what the network says? Compared on lines as they are served."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from PIL import Image, ImageDraw, ImageFont

from ocr_preprocessing.fast import Gray
from ocr_preprocessing.line import prepare_line
from ocr_preprocessing.spec import LineSpec

from .checkpoint import Recogniser
from .graph import INPUT, OUTPUTS, LineReader

CONFIDENCE_LIMIT = 1e-3

Tensor = npt.NDArray[np.uint8]
# (N, 1, 32, W) -> code points and confidence, (N, T) each.
Reader = Callable[[Tensor], tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]]


@dataclasses.dataclass(frozen=True)
class Differences:
    """Of two readers. differing_steps: of `steps`, with another code point.

    largest, mean: absolute difference of the steps' confidences; not a number where one is none.
    """

    tensors: int
    steps: int
    differing_steps: int
    largest: float
    mean: float


@dataclasses.dataclass(frozen=True)
class Parity:
    """differing_steps: steps with another code point. confidence_error: largest difference."""

    tensors: int
    steps: int
    differing_steps: int
    confidence_error: float

    def __str__(self) -> str:
        return (
            f"{self.differing_steps} of {self.steps} steps have another code point, confidence"
            f" differs by {self.confidence_error:.2g} at most ({self.tensors} tensors)"
        )

    @property
    def equal(self) -> bool:
        """Same code points everywhere, confidence within 1e-3; no steps compared is not equal."""
        return (
            self.steps > 0
            and self.differing_steps == 0
            and self.confidence_error <= CONFIDENCE_LIMIT
        )


def compare(recogniser: Recogniser, model: bytes, tensors: Iterable[Tensor]) -> Parity:
    """Runs torch and ONNX Runtime on the same tensors, (N, 1, 32, W) UINT8 each.

    Raises what ONNX Runtime raises when it cannot load the model.
    """
    found = differences(_of_torch(recogniser), of_graph(model), tensors)
    return Parity(found.tensors, found.steps, found.differing_steps, found.largest)


def differences(one: Reader, other: Reader, tensors: Iterable[Tensor]) -> Differences:
    """Both read the same tensors."""
    count = steps = differing = 0
    largest = total = 0.0
    for tensor in tensors:
        codes, confidence = one(tensor)
        other_codes, other_confidence = other(tensor)
        apart = np.abs(confidence - other_confidence)
        count += 1
        steps += codes.size
        differing += int(np.count_nonzero(codes != other_codes))
        largest = float(np.maximum(largest, np.max(apart, initial=0.0)))  # not-a-number stays one
        total += float(apart.sum())
    return Differences(count, steps, differing, largest, total / max(steps, 1))


def of_graph(model: bytes) -> Reader:
    """In ONNX Runtime. Raises what that raises when it cannot load the model."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])

    def read(tensor: Tensor) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        codes, confidence = session.run(list(OUTPUTS), {INPUT: tensor})
        return codes, confidence

    return read


def _of_torch(recogniser: Recogniser) -> Reader:
    reader = LineReader(recogniser).eval()

    def read(tensor: Tensor) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        with torch.no_grad():
            codes, confidence = reader(torch.from_numpy(tensor))
        return codes.numpy(), confidence.numpy()

    return read


def tensors_of(lines: Iterable[Gray], spec: LineSpec) -> list[Tensor]:
    """Gray lines (H, W) as served: one tensor (1, 1, 32, bucket) for every window.

    Equal shapes come once more as one batch, as Triton's dynamic batching would run them.
    """
    windows = [window.pixels for line in lines for window in prepare_line(line, spec).windows]
    tensors = [window[np.newaxis] for window in windows]
    by_shape: dict[tuple[int, ...], list[Tensor]] = {}
    for tensor in tensors:
        by_shape.setdefault(tensor.shape, []).append(tensor)
    batches = [np.concatenate(same) for same in by_shape.values() if len(same) > 1]
    return tensors + batches


TEXTS = (
    "A",
    "Total 128.50",
    "The quick brown fox jumps over the lazy dog",
    "No. 2026-11-22 / invoice 0048813 (copy)",
    "page 7 of 12, " * 12,
)


def drawn_lines(texts: Sequence[str] = TEXTS) -> list[Gray]:
    """Lines (H, W) UINT8 in Pillow's own font: dark on light and light on dark, a bit of noise."""
    font = ImageFont.load_default(28)
    random = np.random.default_rng(0)
    lines = []
    for index, text in enumerate(texts):
        paper, ink = ((235, 20), (40, 220))[index % 2]
        picture = Image.new("L", (int(font.getlength(text)) + 20, 44), paper)
        ImageDraw.Draw(picture).text((10, 4), text, fill=ink, font=font)
        noisy = np.asarray(picture, np.float64) + random.normal(0, 3, picture.size[::-1])
        lines.append(np.asarray(np.clip(noisy, 0, 255), np.uint8))
    return lines
