"""A downloaded model of ModelScope's: configuration.json, pytorch_model.pt and vocab.txt."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from ocr_export.checkpoint import CheckpointError, Recogniser
from ocr_preprocessing.spec import LineSpec

from .convnextvit import CHUNK_WIDTH, LINE_WIDTH, ConvNextViT
from .crnn import CRNN
from .vocabulary import read_codepoints
from .weights import load_weights

CONFIGURATION, WEIGHTS, VOCABULARY = "configuration.json", "pytorch_model.pt", "vocab.txt"
CLASSES = 7644
HEIGHT = 32
STRIDE = 4
WIDEST = 4096  # pixels; wider is a slip of the pen, and would take memory for nothing
BLACK = 0


@dataclasses.dataclass(frozen=True)
class Recognizer:
    """What is fixed about one of ModelScope's recognizers.

    arch: its name in our meta.json. chunks: whether its configuration says `do_chunking`.
    first_label: the class of the first character. spare: classes behind the last that may be left.
    """

    arch: str
    network: Callable[[int], nn.Module]
    chunks: bool
    first_label: int
    spare: int


RECOGNIZERS: Mapping[str, Recognizer] = {
    # Its training takes the class behind the last character for characters it does not know.
    "CRNN": Recognizer("crnn_modelscope", CRNN, chunks=False, first_label=1, spare=1),
    "ConvNextViT": Recognizer(
        "convnext_modelscope", ConvNextViT, chunks=True, first_label=2, spare=0
    ),
}


@dataclasses.dataclass(frozen=True)
class ModelScopeConfig:
    """What the configuration says. width: of the line in pixels, padding included."""

    recognizer: str
    width: int
    classes: int = CLASSES

    @property
    def facts(self) -> Recognizer:
        return RECOGNIZERS[self.recognizer]

    @property
    def spec(self) -> LineSpec:
        return LineSpec(HEIGHT, "bilinear", (self.width,), BLACK, STRIDE)


@dataclasses.dataclass(frozen=True)
class ModelScopeFolder:
    """Files that are all there, and a configuration that fits."""

    path: Path
    config: ModelScopeConfig

    def load(self) -> Recogniser:
        """Raises CheckpointError, one line naming the file and what does not fit."""
        facts, classes = self.config.facts, self.config.classes
        codepoints = read_codepoints(
            self.path / VOCABULARY,
            classes=classes,
            first_label=facts.first_label,
            spare=facts.spare,
        )
        network = facts.network(classes)
        load_weights(self.path / WEIGHTS, network, self.config.recognizer)
        digests = {
            name: hashlib.sha256((self.path / name).read_bytes()).hexdigest()
            for name in (CONFIGURATION, WEIGHTS, VOCABULARY)
        }
        training = {"source": "ModelScope", "sha256": digests}
        return Recogniser(facts.arch, self.config, network.eval(), training, codepoints)


def open_folder(path: Path) -> ModelScopeFolder:
    """Raises CheckpointError, one line, when a file is missing or the configuration is another's."""
    for name in (CONFIGURATION, WEIGHTS, VOCABULARY):
        if not (path / name).is_file():
            raise CheckpointError(
                f"{path / name}: no such file; a model of ModelScope's is a folder with"
                f" {CONFIGURATION}, {WEIGHTS} and {VOCABULARY}"
            )
    source = path / CONFIGURATION
    try:
        content = json.loads(source.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{source}: not JSON: {error}") from None
    try:
        return ModelScopeFolder(path, parse_configuration(content))
    except CheckpointError as error:
        raise CheckpointError(f"{source}: {error}") from None


def parse_configuration(content: object) -> ModelScopeConfig:
    """Raises CheckpointError naming the key."""
    name = _at(content, "model", "recognizer")
    if not isinstance(name, str) or name not in RECOGNIZERS:
        raise CheckpointError(f"model.recognizer: {name!r} is not one of {', '.join(RECOGNIZERS)}")
    wanted = {"do_chunking": RECOGNIZERS[name].chunks, "img_height": HEIGHT}
    for key, value in wanted.items():
        found = _at(content, "model", "inference_kwargs", key)
        if type(found) is not type(value) or found != value:
            where = f"model.inference_kwargs.{key}"
            raise CheckpointError(
                f"{where}: {name} needs {json.dumps(value)}, not {json.dumps(found)}"
            )
    return ModelScopeConfig(
        name, _width(name, _at(content, "model", "inference_kwargs", "img_width"))
    )


def _width(name: str, found: object) -> int:
    """Of the whole line. Older files of ConvNextViT name the width of one chunk."""
    where = "model.inference_kwargs.img_width"
    if not isinstance(found, int) or isinstance(found, bool):
        raise CheckpointError(f"{where}: {json.dumps(found)} is not a whole number")
    if RECOGNIZERS[name].chunks:
        if found not in (LINE_WIDTH, CHUNK_WIDTH):
            raise CheckpointError(f"{where}: {name} needs {LINE_WIDTH}, not {found}")
        return LINE_WIDTH
    if found < HEIGHT or found > WIDEST or found % STRIDE:
        raise CheckpointError(
            f"{where}: {found} is not a multiple of {STRIDE} from {HEIGHT} to {WIDEST}"
        )
    return found


def _at(content: object, *keys: str) -> Any:
    for depth, key in enumerate(keys, start=1):
        if not isinstance(content, Mapping) or key not in content:
            raise CheckpointError(f"{'.'.join(keys[:depth])}: missing")
        content = content[key]
    return content
