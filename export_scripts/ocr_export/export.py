"""Checkpoint -> version directory, and the comparison of the two: what the verbs do."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ocr_preprocessing.fast import Gray
from ocr_preprocessing.line import prepare_line
from ocr_preprocessing.load import load_image
from ocr_preprocessing.spec import LineSpec

from . import int8
from .checkpoint import ARCHITECTURES, Recogniser, load_checkpoint
from .modelscope.folder import open_folder
from .onnx_file import to_onnx
from .parity import Parity, Tensor, compare, drawn_lines, tensors_of
from .repository import RepositoryError, Version, check_free, read_meta, write_version


class ParityError(ValueError):
    """The exported graph does not say what the network says. One line with the numbers."""


@dataclasses.dataclass(frozen=True)
class Exported:
    """parity: of the graph in FP32 with torch. drift: of the one in 8 bits from that, if it is."""

    version: Version
    parity: Parity
    drift: int8.Drift | None = None

    @property
    def equal(self) -> bool:
        return self.parity.equal and (self.drift is None or self.drift.tolerable)


def export_version(
    checkpoint: Path,
    directory: Path,
    spec: LineSpec,
    images: Sequence[Path] = (),
    calibration: Path | None = None,
) -> Exported:
    """Writes the version only when torch and ONNX Runtime agree on the images.

    images: line images; drawn lines where none are given.
    calibration: a folder of line images: the version computes in 8 bits. Every second image
        finds the scales, on the others it has to read as in FP32.
    Raises CheckpointError, RepositoryError, ImageError, ParityError, CalibrationError.
    """
    check_free(directory, spec)  # before the work
    lines = _lines(images)
    known = None if calibration is None else _calibration(calibration, spec)
    recogniser = load_checkpoint(checkpoint)
    return _exported(recogniser, directory, spec, lines, verb="onnx", calibration=known)


def export_modelscope(folder: Path, directory: Path, images: Sequence[Path] = ()) -> Exported:
    """Writes a version of a model that ModelScope published, with its own preprocessing.

    folder: with configuration.json, pytorch_model.pt and vocab.txt.
    Raises CheckpointError, RepositoryError, ImageError, ParityError.
    """
    source = open_folder(folder)
    spec = source.config.spec
    name = Version.at(directory).name
    if name in ARCHITECTURES:
        raise RepositoryError(
            f"{directory}: {name} is this project's own model; ModelScope's has a name of its own:"
            f" {source.config.facts.arch}"
        )
    check_free(directory, spec)  # before the work
    lines = _lines(images)
    return _exported(source.load(), directory, spec, lines, verb="modelscope")


def check_version(directory: Path, checkpoint: Path, images: Sequence[Path] = ()) -> Exported:
    """Compares what stands in the repository with the checkpoint it came from.

    checkpoint: a file of `ocrctl train`, or a folder of ModelScope's.
    Raises CheckpointError, RepositoryError, ImageError.
    """
    version = Version.at(directory)
    meta = read_meta(version)
    spec = LineSpec.from_parameters(meta["spec"])
    lines = _lines(images)
    is_folder = checkpoint.is_dir()
    recogniser = open_folder(checkpoint).load() if is_folder else load_checkpoint(checkpoint)
    tensors = tensors_of(lines, spec)
    model = version.model.read_bytes()
    if meta.get("precision", "fp32") == "fp32":
        return Exported(version, compare(recogniser, model, tensors))
    exact = to_onnx(recogniser, width=spec.fixed_width)
    parity = compare(recogniser, exact, tensors)
    return Exported(version, parity, int8.drift(model, exact, tensors))


def _exported(
    recogniser: Recogniser,
    directory: Path,
    spec: LineSpec,
    lines: Sequence[Gray],
    *,
    verb: str,
    calibration: Sequence[Tensor] | None = None,
) -> Exported:
    model = to_onnx(recogniser, width=spec.fixed_width)
    parity = compare(recogniser, model, tensors_of(lines, spec))
    if not parity.equal:
        raise ParityError(f"{directory}: not exported, torch and ONNX differ: {parity}")
    drift = None
    if calibration is not None:
        exact, model = model, int8.quantised(model, calibration[::2])
        drift = int8.drift(model, exact, calibration[1::2])
        if not drift.tolerable:
            raise int8.CalibrationError(f"{directory}: not exported in 8 bits: {drift}")
    return Exported(write_version(directory, recogniser, model, spec, verb=verb), parity, drift)


def _calibration(folder: Path, spec: LineSpec) -> list[Tensor]:
    """Raises CalibrationError on a folder without images, before anything is computed."""
    images = sorted(path for path in folder.glob("*") if path.suffix in {".png", ".jpg", ".jpeg"})
    if not images:
        raise int8.CalibrationError(
            f"{folder}: no line images there; `ocrctl train lines {folder}` makes some"
        )
    return [
        window.pixels[np.newaxis]
        for path in images
        for window in prepare_line(load_image(path), spec).windows
    ]


def _lines(images: Sequence[Path]) -> list[Gray]:
    return [load_image(path) for path in images] or drawn_lines()
