"""The models that are timed: the repository's, or untrained ones of the same size."""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import onnxruntime
import torch

from ocr_export import alphabet
from ocr_export.checkpoint import Recogniser, build
from ocr_export.config_pbtxt import read_parameters
from ocr_export.onnx_file import to_onnx
from ocr_export.repository import Version, read_meta, write_version
from ocr_preprocessing.spec import LineSpec
from ocr_rollout.core.routing import Arm

MODELS = ("crnn", "convnext")  # between which traffic is routed


@contextlib.contextmanager
def versions(repository: Path) -> Iterator[dict[str, Version]]:
    """Version 1 of both models; untrained models of the default size where it is not there.

    Times do not depend on the weights. All are below one directory that Triton can serve.
    """
    there = {name: Version.at(repository / name / "1") for name in MODELS}
    if all(version.model.is_file() for version in there.values()):
        yield there
        return
    with tempfile.TemporaryDirectory(prefix="ocr-benchmark-") as folder:
        made = {}
        for name in MODELS:
            recogniser = untrained(name, {"classes": alphabet.class_count()})
            directory = Path(folder) / "models" / name / "1"
            made[name] = write_version(directory, recogniser, to_onnx(recogniser), LineSpec())
        yield made


@contextlib.contextmanager
def with_instances(repository: Path, arms: Iterable[Arm], count: int) -> Iterator[Path]:
    """A copy of a repository with these arms alone, `count` instances of each."""
    with tempfile.TemporaryDirectory(prefix="ocr-benchmark-") as folder:
        copy = Path(folder) / "models"
        numbers: dict[str, list[int]] = {}
        for arm in arms:
            numbers.setdefault(arm.model, []).append(arm.version)
            place = Path(arm.model) / str(arm.version)
            shutil.copytree(repository / place, copy / place)
        for model, versions in numbers.items():
            text = (repository / model / "config.pbtxt").read_text(encoding="utf-8")
            for pattern, told in (
                (
                    r"instance_group \[[^]]*\]",
                    f"instance_group [ {{ kind: KIND_CPU count: {count} }} ]",
                ),
                (r"versions: \[[^]]*\]", f"versions: [ {', '.join(map(str, versions))} ]"),
            ):
                text, found = re.subn(pattern, told, text)
                if found != 1:
                    raise ValueError(f"{model}/config.pbtxt: {pattern} stands there {found} times")
            (copy / model / "config.pbtxt").write_text(text, encoding="utf-8")
        yield copy


def untrained(arch: str, config: dict[str, object]) -> Recogniser:
    torch.manual_seed(0)
    return build(arch, config, training={"untrained": True})


def twin(version: Version) -> Recogniser:
    """The same architecture with random weights, for torch's side of a timing."""
    meta = read_meta(version)
    return untrained(meta["arch"], meta["config"])


def served_session(version: Version) -> onnxruntime.InferenceSession:
    """The bare session, with the options that config.pbtxt gives the server's."""
    parameters = read_parameters(version.config.read_text(encoding="utf-8"))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(parameters["intra_op_thread_count"])
    options.inter_op_num_threads = int(parameters["inter_op_thread_count"])
    options.enable_cpu_mem_arena = parameters["enable_mem_arena"] == "1"
    options.enable_mem_pattern = parameters["enable_mem_pattern"] == "1"
    return onnxruntime.InferenceSession(
        version.model.read_bytes(), options, providers=["CPUExecutionProvider"]
    )


def session(model: bytes, threads: int) -> onnxruntime.InferenceSession:
    """threads: 0 is ONNX Runtime's own choice."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
