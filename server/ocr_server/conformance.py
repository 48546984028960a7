"""Does a configuration fit its graph, as the container's native backend will see it?

Needs onnxruntime (the extra [export]); the embedded server runs the same checks at load time.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import pbtxt
from .backends.onnxruntime import graph_checks
from .errors import ServerError


def check(config: str | Mapping[str, Any], onnx_path: Path | str) -> list[str]:
    """Why Triton would refuse the pair; empty when it would load.

    config: the text of config.pbtxt, or the JSON form of a model configuration.
    Raises ServerError when onnxruntime is not installed; PbtxtError for a text it cannot read.
    """
    try:
        import onnxruntime  # noqa: PLC0415  # in an extra, and slow to import
    except ImportError as error:
        raise ServerError(
            "checking a graph needs onnxruntime: pip install 'ocr-rollout[export]'"
        ) from error

    parsed = pbtxt.parse(config) if isinstance(config, str) else config
    path = Path(onnx_path)
    if not path.is_file():
        return [f"{path}: no such file"]
    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001  # onnxruntime's own tree hangs below Exception
        return [f"{path}: {error}"]
    return graph_checks.problems(
        parsed,
        [graph_checks.GraphTensor.read(tensor) for tensor in session.get_inputs()],
        [graph_checks.GraphTensor.read(tensor) for tensor in session.get_outputs()],
    )


def check_repository(repository: Path) -> list[str]:
    """Problems of every served version of every model, each with `model/version: ` before it.

    Also what Triton's repository rules forbid: a name that differs from its folder, entries in
    a model folder besides config.pbtxt and numbered versions, a policy other than `specific`.
    """
    found = []
    for config_path in sorted(repository.glob("*/config.pbtxt")):
        folder = config_path.parent
        try:
            config = pbtxt.parse(config_path.read_text(encoding="utf-8"))
        except pbtxt.PbtxtError as error:
            found.append(f"{folder.name}/config.pbtxt: {error}")
            continue
        found += [f"{folder.name}: {problem}" for problem in _check_folder(folder, config)]
        for version in served_versions(config):
            graph = folder / str(version) / config.get("default_model_filename", "model.onnx")
            found += [f"{folder.name}/{version}: {problem}" for problem in check(config, graph)]
    return found


def served_versions(config: Mapping[str, Any]) -> list[int]:
    """The versions that the `specific` policy names; empty without such a policy."""
    policy = config.get("version_policy", {}).get("specific", {})
    return [int(version) for version in policy.get("versions", [])]


def _check_folder(folder: Path, config: Mapping[str, Any]) -> list[str]:
    found = []
    if config.get("name") != folder.name:
        found.append(f"name is {config.get('name')!r} but the folder is {folder.name!r}")
    if config.get("backend") != "onnxruntime":
        found.append(f"backend is {config.get('backend')!r} and not 'onnxruntime'")
    if not served_versions(config):
        found.append(
            "version_policy is not `specific`: one broken version would take down the model"
        )
    strange = [
        entry.name
        for entry in folder.iterdir()
        if entry.name != "config.pbtxt" and not (entry.is_dir() and entry.name.isdigit())
    ]
    if strange:
        found.append(f"{', '.join(sorted(strange))}: any such entry reloads every version")
    return found
