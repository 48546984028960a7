"""pytorch_model.pt: named weights, put into a network whose names they must fit exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import nn

from ocr_export.checkpoint import CheckpointError, load_safely

PREFIXES = ("recognizer.", "module.")  # put before all names by fine-tuning, by several GPUs
UNREAD = ("num_batches_tracked", "cls_token")  # nothing reads them, so they may be missing


def load_weights(path: Path, network: nn.Module, name: str) -> None:
    """Fills the network, as float32. Runs no code from the file.

    name: of the architecture, for errors.
    Raises CheckpointError, one line that names the first weight that does not fit.
    """
    found = _named_tensors(path)
    wanted = network.state_dict()
    missing = [key for key in wanted if key not in found and not key.endswith(UNREAD)]
    if missing:
        raise CheckpointError(f"{path}: {_some(missing)} missing; is it a {name} at all?")
    strange = [key for key in found if key not in wanted]
    if strange:
        raise CheckpointError(f"{path}: {_some(strange)} not known to {name}")
    for key, tensor in found.items():
        if (problem := _problem(tensor, wanted[key])) is not None:
            raise CheckpointError(f"{path}: {key} {problem}")
    network.load_state_dict({**wanted, **found})


def _named_tensors(path: Path) -> dict[str, torch.Tensor]:
    content = load_safely(path)
    if not isinstance(content, Mapping):
        raise CheckpointError(
            f"{path}: holds a value of type {type(content).__name__}, not named weights"
        )
    named: dict[str, torch.Tensor] = {}
    for key, value in content.items():
        if not isinstance(key, str) or not isinstance(value, torch.Tensor):
            kind = type(value).__name__
            raise CheckpointError(f"{path}: {key!r} is of type {kind}, not a named weight")
        bare = _without_prefixes(key)
        if bare in named:
            raise CheckpointError(f"{path}: {bare} is there twice, once as {key}")
        named[bare] = value
    return named


def _without_prefixes(key: str) -> str:
    while key.startswith(PREFIXES):
        key = key.partition(".")[2]
    return key


def _problem(found: torch.Tensor, wanted: torch.Tensor) -> str | None:
    if found.shape != wanted.shape:
        return f"has the shape {tuple(found.shape)}, not {tuple(wanted.shape)}"
    if found.layout != wanted.layout or found.is_floating_point() != wanted.is_floating_point():
        return f"is of {found.dtype} ({found.layout}), not of numbers like {wanted.dtype}"
    if not bool(torch.isfinite(found).all()):
        return "holds infinities or what is not a number"
    return None


def _some(keys: Sequence[str]) -> str:
    """The subject of a sentence that goes on with an adjective."""
    return f"{keys[0]} is" if len(keys) == 1 else f"{keys[0]} and {len(keys) - 1} more are"
