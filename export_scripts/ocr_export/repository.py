"""Writes a version of a model into a Triton repository. Publishes nothing: Triton is not told.

```
model_repository/NAME/config.pbtxt          per model, written once
model_repository/NAME/VERSION/model.onnx
model_repository/NAME/VERSION/meta.json     what it is, where from, what it scores
```
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
import torch

from ocr_preprocessing.spec import LineSpec, SpecError

from . import alphabet
from .checkpoint import Recogniser, build
from .config_pbtxt import Serving, config_text, read_parameters
from .onnx_file import to_onnx

MODEL_FILE = "model.onnx"
META_FILE = "meta.json"
CONFIG_FILE = "config.pbtxt"


class RepositoryError(ValueError):
    """A version cannot be written there, or is not what it should be. One line."""


@dataclasses.dataclass(frozen=True)
class Version:
    """A numbered version directory of a model, as a place."""

    directory: Path

    @property
    def name(self) -> str:
        return self.directory.parent.name

    @property
    def number(self) -> int:
        return int(self.directory.name)

    @property
    def label(self) -> str:
        """NAME:NUMBER, as arms are written."""
        return f"{self.name}:{self.number}"

    @property
    def model(self) -> Path:
        return self.directory / MODEL_FILE

    @property
    def meta(self) -> Path:
        return self.directory / META_FILE

    @property
    def config(self) -> Path:
        return self.directory.parent / CONFIG_FILE

    @classmethod
    def at(cls, directory: Path) -> Version:
        """Raises RepositoryError when the path does not end in MODEL/NUMBER."""
        directory = directory.absolute()
        number = directory.name
        if not (number.isascii() and number.isdigit()) or number.startswith("0"):
            raise RepositoryError(
                f"{directory}: a version directory is MODEL/NUMBER, like model_repository/crnn/1"
            )
        return cls(directory)


def write_version(
    directory: Path,
    recogniser: Recogniser,
    model: bytes,
    spec: LineSpec,
    *,
    serving: Serving | None = None,
    accuracy: Mapping[str, Any] | None = None,
    verb: str = "onnx",
) -> Version:
    """Writes model.onnx, meta.json and, for a model's first version, config.pbtxt.

    model: what `to_onnx` made of the recogniser, at the spec's fixed width if it has one.
    verb: of `ocrctl export`, for config.pbtxt.

    Raises RepositoryError when the version is there already (versions never change), or when
    the model's config.pbtxt asks for other preprocessing (that is another model name). An
    existing config.pbtxt stays as it is: which versions it serves is for `publish` to say.
    """
    version = check_free(directory, spec)
    meta = describe(version, recogniser, model, spec, accuracy or {})
    config = config_text(version.name, (version.number,), spec, serving, verb=verb)
    place_version(version, model, meta, config)
    return version


def place_version(version: Version, model: bytes, meta: Mapping[str, Any], config: str) -> None:
    """Puts the files of a version where nothing is yet; config: for a model that has none."""
    version.directory.parent.mkdir(parents=True, exist_ok=True)
    # Staged outside the repository: Triton takes any directory in it for a model, and any
    # entry of a model directory for a reason to reload.
    parent = version.directory.parent.parent.parent
    stage = Path(tempfile.mkdtemp(prefix=".export-", dir=parent))
    try:
        # A repository is read by the server's user too; mkdtemp gives 0700.
        stage.chmod(0o755)
        _write(stage / MODEL_FILE, model)
        _write(stage / META_FILE, _json_bytes(meta))
        stage.rename(version.directory)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    if not version.config.exists():
        _replace(version.config, config.encode(), stage=parent)


def check_free(directory: Path, spec: LineSpec) -> Version:
    """The place for a new version. Raises RepositoryError as `write_version` does."""
    version = new_version(directory)
    if version.config.exists():
        _check_same_spec(version, spec)
    return version


def new_version(directory: Path) -> Version:
    """The place, where nothing is yet. Raises RepositoryError."""
    version = Version.at(directory)
    if version.directory.exists():
        raise RepositoryError(
            f"{version.directory}: exists, and versions never change; take the next number"
        )
    return version


def describe(
    version: Version,
    recogniser: Recogniser,
    model: bytes,
    spec: LineSpec,
    accuracy: Mapping[str, Any],
) -> dict[str, Any]:
    """What stands in meta.json."""
    facts = file_facts(version, model)
    # In an order for people to read.
    first = ("model", "version", "sha256", "bytes", "precision")
    return {
        **{key: facts[key] for key in first},
        "arch": recogniser.arch,
        "config": dataclasses.asdict(recogniser.config),
        "parameters": recogniser.parameter_count,
        "alphabet_sha256": alphabet.digest_of(recogniser.codepoints),
        **{key: value for key, value in facts.items() if key not in first},
        "spec": spec.to_parameters(),
        "training": dict(recogniser.training),
        "accuracy": dict(accuracy),
    }


def file_facts(version: Version, model: bytes) -> dict[str, Any]:
    """What meta.json says of any model.onnx."""
    graph = onnx.load_from_string(model)
    return {
        "model": version.name,
        "version": version.number,
        "sha256": hashlib.sha256(model).hexdigest(),
        "bytes": len(model),
        "precision": _precision(graph),
        "opset": graph.opset_import[0].version,
        "ir_version": graph.ir_version,
        "exported_with": {"torch": torch.__version__, "onnx": onnx.__version__},
    }


def _precision(graph: onnx.ModelProto) -> str:
    """In which numbers its products are computed; absent in metas older than the question."""
    quantised = any(node.op_type == "QuantizeLinear" for node in graph.graph.node)
    return "int8" if quantised else "fp32"


def read_meta(version: Version) -> dict[str, Any]:
    """Raises RepositoryError when model.onnx or meta.json is missing or they do not fit."""
    for path in (version.model, version.meta):
        if not path.is_file():
            raise RepositoryError(f"{path}: missing; `ocrctl export onnx` writes both files")
    try:
        meta = json.loads(version.meta.read_text(encoding="utf-8"))
        expected = meta["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise RepositoryError(f"{version.meta}: not a meta.json of ours ({error})") from error
    found = hashlib.sha256(version.model.read_bytes()).hexdigest()
    if found != expected:
        raise RepositoryError(
            f"{version.model}: SHA-256 {found[:12]}..., but meta.json says {expected[:12]}...;"
            " it was changed or damaged, export it again"
        )
    return dict(meta)


def record_accuracy(version: Version, accuracy: Mapping[str, Any]) -> None:
    """Replaces `accuracy` in meta.json, which can be measured only once the version serves."""
    meta = read_meta(version)
    meta["accuracy"] = dict(accuracy)
    _replace(version.meta, _json_bytes(meta), stage=version.directory.parent.parent.parent)


UNTRAINED: dict[str, dict[str, Any]] = {
    "crnn": {"channels": (8, 16, 16, 32), "hidden": 16},
    "convnext": {"depths": (1, 1, 1, 1), "dims": (8, 16, 16, 32)},
}


def write_untrained(repository: Path, *, version: int = 1, seed: int = 0) -> dict[str, Version]:
    """Small models with random weights, for tests that need a server but no sense.

    Real graphs with the real alphabet and configuration: `crnn` and `convnext` under
    `repository`. They answer at once, in nonsense; the same seed gives the same nonsense.
    """
    written = {}
    for arch, config in UNTRAINED.items():
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            recogniser = build(
                arch,
                {"classes": alphabet.class_count(), **config},
                training={"untrained": True, "seed": seed},
            )
        directory = repository / arch / str(version)
        written[arch] = write_version(directory, recogniser, to_onnx(recogniser), LineSpec())
    return written


def _check_same_spec(version: Version, spec: LineSpec) -> None:
    try:
        old = LineSpec.from_parameters(read_parameters(version.config.read_text(encoding="utf-8")))
    except SpecError as error:
        raise RepositoryError(f"{version.config}: {error}") from error
    if old != spec:
        raise RepositoryError(
            f"{version.config}: {version.name} is served with other preprocessing ({old});"
            " a changed spec needs another model name"
        )


def _json_bytes(meta: Mapping[str, Any]) -> bytes:
    return (json.dumps(meta, ensure_ascii=False, indent=2) + "\n").encode()


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _replace(path: Path, content: bytes, *, stage: Path) -> None:
    """Atomic, by a temporary file in `stage`, which must be on the same file system."""
    handle, name = tempfile.mkstemp(prefix=".export-", dir=stage)
    os.close(handle)
    temporary = Path(name)
    try:
        temporary.chmod(0o644)
        _write(temporary, content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
