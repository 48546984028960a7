"""A line finder's checkpoint -> a version directory: the graph, its proof, its configuration."""

from __future__ import annotations

import dataclasses
import math
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

from ocr_preprocessing.fast import Gray
from ocr_preprocessing.finder_spec import INPUT, OUTPUTS, STEPS, STRIDE, FinderSpec

from .checkpoint import CheckpointError, load_safely
from .config_pbtxt import finder_config_text
from .line_finder import MIDDLE_HEIGHT, LineFinder, LineFinderConfig
from .onnx_file import MAX_IR, OPSET
from .repository import Version, file_facts, new_version, place_version

ARCH = "line_finder"
TOLERANCE = 2  # of 255 a map may differ from torch: rounding, once in the network and once after


class FinderParityError(ValueError):
    """The exported graph does not say what the network says. One line with the numbers."""


@dataclasses.dataclass(frozen=True)
class FinderModel:
    """A network in evaluation mode and where its weights come from."""

    network: LineFinder
    config: LineFinderConfig
    training: Mapping[str, Any]


class MapGraph(nn.Module):
    """UINT8 pixels to UINT8 maps, as `FinderSpec` says."""

    def __init__(self, network: LineFinder) -> None:
        super().__init__()
        self.network = network

    def forward(self, page: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Takes page (N, 1, H, W); gives where (N, 2, H/2, W/2) and shape (N, 2, H/4, W/4)."""
        where, shape = self.network(page.float() / 255.0)
        height = (shape[:, :1] + MIDDLE_HEIGHT) * STEPS
        column = torch.sigmoid(shape[:, 1:]) * 255
        return _bytes(torch.sigmoid(where) * 255), _bytes(torch.cat([height, column], dim=1))


def _bytes(values: torch.Tensor) -> torch.Tensor:
    return torch.clamp(values + 0.5, 0, 255).to(torch.uint8)


def load_finder(path: Path) -> FinderModel:
    """Raises CheckpointError, one line. Runs no code from the file."""
    content = load_safely(path)
    if not isinstance(content, dict) or not content.keys() >= {"arch", "config", "model"}:
        raise CheckpointError(f"{path}: no checkpoint of `ocrctl train finder`")
    if content["arch"] != ARCH:
        raise CheckpointError(f"{path}: a {content['arch']}; `ocrctl export onnx` exports those")
    try:
        config = LineFinderConfig.parse(content["config"])
        network = LineFinder(config)
        network.load_state_dict(content["model"])
    except (RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise CheckpointError(f"{path}: weights do not fit the config: {reason}") from error
    return FinderModel(network.float().eval(), config, content.get("training", {}))


def finder_to_onnx(finder: FinderModel) -> bytes:
    """The self-contained graph; N, H and W are dynamic, H and W multiples of STRIDE."""
    graph = MapGraph(finder.network).eval()
    example = torch.zeros(2, 1, 2 * STRIDE, 3 * STRIDE, dtype=torch.uint8)
    axes = {
        INPUT: {0: "N", 2: "H", 3: "W"},
        OUTPUTS[0]: {0: "N", 2: "H2", 3: "W2"},
        OUTPUTS[1]: {0: "N", 2: "H4", 3: "W4"},
    }
    with (
        tempfile.TemporaryDirectory() as folder,
        warnings.catch_warnings(),
        torch.no_grad(),
    ):
        path = Path(folder) / "model.onnx"
        warnings.simplefilter("ignore")  # that it is the older exporter, see `onnx_file`
        torch.onnx.export(
            graph, (example,), str(path), opset_version=OPSET, dynamo=False,
            input_names=[INPUT], output_names=list(OUTPUTS), dynamic_axes=axes,
        )  # fmt: skip
        model = onnx.load(path)
    if model.ir_version > MAX_IR:
        raise RuntimeError(f"torch wrote ONNX IR {model.ir_version}; servers load up to {MAX_IR}")
    for output in model.graph.output:
        output.type.tensor_type.shape.dim[1].dim_value = 2  # which the exporter loses sight of
    for node in model.graph.node:
        node.doc_string = ""
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def largest_difference(finder: FinderModel, model: bytes, pages: Sequence[Gray]) -> int:
    """Between the maps of torch and of ONNX Runtime, of 255. pages: (H, W), multiples of STRIDE."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    graph, worst = MapGraph(finder.network).eval(), 0
    for page in pages:
        pixels = page[None, None]
        with torch.no_grad():
            expected = graph(torch.from_numpy(pixels))
        for one, other in zip(expected, session.run(list(OUTPUTS), {INPUT: pixels}), strict=True):
            apart = np.abs(one.numpy().astype(int) - other.astype(int))
            worst = max(worst, int(apart.max()))
    return worst


def export_finder(checkpoint: Path, directory: Path, pages: Sequence[Gray] = ()) -> Version:
    """Writes the version only when torch and ONNX Runtime agree on the pages.

    pages: (H, W) UINT8; drawn ones where none are given.
    Raises CheckpointError, RepositoryError, FinderParityError.
    """
    version = new_version(directory)
    finder = load_finder(checkpoint)
    model = finder_to_onnx(finder)
    worst = largest_difference(finder, model, pages or drawn_pages())
    if worst > TOLERANCE:
        raise FinderParityError(
            f"{directory}: not exported, torch and ONNX differ by {worst} of 255"
        )
    spec = FinderSpec()
    meta = {
        **file_facts(version, model),
        "arch": ARCH,
        "config": dataclasses.asdict(finder.config),
        "parameters": sum(math.prod(one.shape) for one in finder.network.parameters()),
        "spec": spec.to_parameters(),
        "training": dict(finder.training),
        "accuracy": {},
    }
    config = finder_config_text(version.name, (version.number,), spec)
    place_version(version, model, meta, config)
    return version


def drawn_pages() -> list[Gray]:
    """Three sizes of boxes and noise, for a comparison that needs no text."""
    rng = np.random.default_rng(1)
    pages = []
    for rows, columns in ((320, 256), (96, 640), (608, 448)):
        page = rng.integers(200, 256, (rows, columns)).astype(np.uint8)
        for _ in range(60):
            y, x = int(rng.integers(rows - 8)), int(rng.integers(columns - 8))
            page[y : y + 8, x : x + int(rng.integers(2, 60))] = rng.integers(0, 90)
        pages.append(page)
    return pages
