"""The checkpoint file: what was trained, with what alphabet, and how.

A `torch.save` of one dict:

| key             | value                                                            |
|-----------------|------------------------------------------------------------------|
| arch            | a key of `ARCHITECTURES`                                         |
| config          | the fields of the architecture's config dataclass                |
| alphabet_sha256 | `alphabet.digest()` of the training                              |
| model           | state dict, float32 or float16                                   |
| training        | facts for people and meta.json: lines seen, hours, seed, scores  |
"""

from __future__ import annotations

import dataclasses
import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol

import torch
from torch import nn

from . import alphabet
from .convnext import ConvNeXt, ConvNeXtConfig
from .crnn import CRNN, CRNNConfig
from .crnn_small import CRNNSmall, CRNNSmallConfig


class Config(Protocol):
    """A dataclass of what a network is built from."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

    @property
    def classes(self) -> int: ...


ARCHITECTURES: dict[str, tuple[type[nn.Module], type[CRNNConfig | ConvNeXtConfig]]] = {
    "crnn": (CRNN, CRNNConfig),
    "convnext": (ConvNeXt, ConvNeXtConfig),
    "crnn_small": (CRNNSmall, CRNNSmallConfig),
}
KEYS = frozenset({"arch", "config", "alphabet_sha256", "model", "training"})


class CheckpointError(ValueError):
    """A file that is no checkpoint, or one that does not fit this code. One line."""


@dataclasses.dataclass(frozen=True)
class Recogniser:
    """A network in evaluation mode: lines (N, 1, 32, W) in [0, 1] to logits (N, W/4, classes).

    training: where the weights come from. codepoints: of each class; 0 for the blank.
    """

    arch: str
    config: Config
    network: nn.Module
    training: Mapping[str, Any]
    codepoints: tuple[int, ...] = dataclasses.field(default_factory=alphabet.codepoints)

    @property
    def parameter_count(self) -> int:
        return sum(parameter.numel() for parameter in self.network.parameters())


def build(
    arch: str, config: Mapping[str, Any], *, training: Mapping[str, Any] | None = None
) -> Recogniser:
    """An untrained recogniser, weights by torch's random generator.

    Raises CheckpointError for an unknown architecture or a config that does not fit it.
    """
    if arch not in ARCHITECTURES:
        raise CheckpointError(f"arch: {arch!r} is not one of {', '.join(ARCHITECTURES)}")
    network_type, config_type = ARCHITECTURES[arch]
    # JSON and older torch files hold lists where the dataclasses have tuples.
    fields: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in config.items()
    }
    try:
        made = config_type(**fields)
        network = network_type(made)
    except (TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"config: does not fit {arch}: {error}") from error
    return Recogniser(arch, made, network.eval(), dict(training or {}))


def save_checkpoint(path: Path, recogniser: Recogniser, *, half: bool = False) -> None:
    """Writes the file through a temporary one beside it. half: weights as float16."""
    state = {
        key: value.half() if half and value.is_floating_point() else value
        for key, value in recogniser.network.state_dict().items()
    }
    content = {
        "arch": recogniser.arch,
        "config": dataclasses.asdict(recogniser.config),
        "alphabet_sha256": alphabet.digest(),
        "model": state,
        "training": dict(recogniser.training),
    }
    partial = path.with_name(path.name + ".part")
    torch.save(content, partial)
    partial.replace(path)


def load_checkpoint(path: Path) -> Recogniser:
    """Raises CheckpointError, one line naming the file and what does not fit.

    Runs no code from the file (`weights_only`). Weights come back as float32.
    """
    content = load_safely(path)
    if not isinstance(content, dict) or not content.keys() >= KEYS:
        raise CheckpointError(f"{path}: a checkpoint has the keys {', '.join(sorted(KEYS))}")
    if content["alphabet_sha256"] != alphabet.digest():
        raise CheckpointError(
            f"{path}: trained with another alphabet.txt ({content['alphabet_sha256'][:12]}...,"
            f" here {alphabet.digest()[:12]}...); export it with the code that trained it"
        )
    try:
        recogniser = build(content["arch"], content["config"], training=content["training"])
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error
    classes = recogniser.config.classes
    if classes != alphabet.class_count():
        raise CheckpointError(
            f"{path}: {classes} classes, but the alphabet has {alphabet.class_count()}"
        )
    try:
        recogniser.network.load_state_dict(content["model"])
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise CheckpointError(f"{path}: weights do not fit the config: {reason}") from error
    return recogniser


def load_safely(path: Path) -> object:
    """What `torch.save` wrote, on the CPU. Raises CheckpointError; runs no code from the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the pickle of somebody else's file
            return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such checkpoint") from None
    except pickle.UnpicklingError as error:  # its text advises to let the file run its code
        raise CheckpointError(
            f"{path}: not a checkpoint that can be read: more than weights is in it, or damage"
        ) from error
    except Exception as error:  # the unpickler raises all sorts on foreign bytes
        reason = f"{type(error).__name__} {str(error).partition(chr(10))[0]}".strip()
        raise CheckpointError(f"{path}: not a checkpoint that can be read: {reason}") from error
