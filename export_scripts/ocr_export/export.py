"""Checkpoint -> version directory, and the comparison of the two: what the verbs do."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from ocr_preprocessing.fast import Gray
from ocr_preprocessing.load import load_image
from ocr_preprocessing.spec import LineSpec

from .checkpoint import load_checkpoint
from .onnx_file import to_onnx
from .parity import Parity, compare, drawn_lines, tensors_of
from .repository import Version, check_free, read_meta, write_version


class ParityError(ValueError):
    """The exported graph does not say what the network says. One line with the numbers."""


@dataclasses.dataclass(frozen=True)
class Exported:
    version: Version
    parity: Parity


def export_version(
    checkpoint: Path, directory: Path, spec: LineSpec, images: Sequence[Path] = ()
) -> Exported:
    """Writes the version only when torch and ONNX Runtime agree on the images.

    images: line images; drawn lines where none are given.
    Raises CheckpointError, RepositoryError, ImageError, ParityError.
    """
    check_free(directory, spec)  # before the work
    lines = _lines(images)
    recogniser = load_checkpoint(checkpoint)
    model = to_onnx(recogniser)
    parity = compare(recogniser, model, tensors_of(lines, spec))
    if not parity.equal:
        raise ParityError(f"{checkpoint}: not exported, torch and ONNX differ: {parity}")
    return Exported(write_version(directory, recogniser, model, spec), parity)


def check_version(directory: Path, checkpoint: Path, images: Sequence[Path] = ()) -> Exported:
    """Compares what stands in the repository with the checkpoint it came from.

    Raises CheckpointError, RepositoryError, ImageError.
    """
    version = Version.at(directory)
    spec = LineSpec.from_parameters(read_meta(version)["spec"])
    lines = _lines(images)
    recogniser = load_checkpoint(checkpoint)
    parity = compare(recogniser, version.model.read_bytes(), tensors_of(lines, spec))
    return Exported(version, parity)


def _lines(images: Sequence[Path]) -> list[Gray]:
    return [load_image(path) for path in images] or drawn_lines()
