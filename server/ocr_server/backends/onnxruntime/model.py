"""Python-based Triton backend called `onnxruntime`, for the embedded server.

It serves the very repository that the container's native backend serves: same configuration,
same checks at load time (`graph_checks`), same texts at run time. It runs in the stub process
of the server's own Python environment and imports nothing of this project from there.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import triton_python_backend_utils as pb_utils

sys.path.insert(0, str(Path(__file__).resolve().parent))
import graph_checks  # type: ignore[import-not-found]  # the stub does not search the backend's folder by itself
import inherited  # type: ignore[import-not-found]
import stalls  # type: ignore[import-not-found]

# "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Non-zero status code ..." -> 6, "Non-zero ..."
ORT_MESSAGE = re.compile(r"\[ONNXRuntimeError\] : (\d+) : \w+ : (.*)", re.DOTALL)
GRAPH_LEVELS = {  # optimization.graph.level, as the native backend reads it
    -1: ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    1: ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    2: ort.GraphOptimizationLevel.ORT_DISABLE_ALL,
}


class TritonPythonModel:
    """One instance of one version: one session of its own."""

    def initialize(self, args: dict[str, str]) -> None:
        """Raises TritonModelException with the native backend's text when it cannot serve."""
        inherited.close_sockets()
        refuse_numpy(np.__version__)
        self.config: dict[str, Any] = json.loads(args["model_config"])
        folder = Path(args["model_repository"]) / args["model_version"]
        path = folder / (self.config.get("default_model_filename") or "model.onnx")
        try:
            self.session = ort.InferenceSession(
                str(path), session_options(self.config), providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise pb_utils.TritonModelException(onnx_error(error)) from error
        found = graph_checks.problems(
            self.config,
            [graph_checks.GraphTensor.read(tensor) for tensor in self.session.get_inputs()],
            [graph_checks.GraphTensor.read(tensor) for tensor in self.session.get_outputs()],
        )
        if found:
            raise pb_utils.TritonModelException("; ".join(found))
        self.inputs = [
            (io["name"], _shape(io["reshape"]["shape"]) if "reshape" in io else None)
            for io in self.config["input"]
        ]
        self.reshaped = {
            io["name"]: _shape(io["dims"]) for io in self.config["output"] if "reshape" in io
        }
        self.batching = int(self.config.get("max_batch_size", 0)) > 0
        self.run_options = ort.RunOptions()
        shrink = _parameter(self.config, "memory.enable_memory_arena_shrinkage")
        if shrink is not None:
            self.run_options.add_run_config_entry("memory.enable_memory_arena_shrinkage", shrink)
        self.stalls = stalls.Stalls()
        self.stalls.watch()

    def execute(self, requests: list[Any]) -> list[Any]:
        """One response a request, in order. Equal shapes are Triton's promise (no ragged)."""
        start_s = time.monotonic()
        if self.batching:
            responses = self._run(requests)
        else:
            responses = [response for request in requests for response in self._run([request])]
        if self.stalls.since(start_s):  # nobody's answer rather than somebody else's
            print("onnxruntime: this process was paused in a request; it ends", file=sys.stderr)
            sys.stderr.flush()
            os._exit(1)
        return responses

    def _run(self, requests: list[Any]) -> list[Any]:
        try:
            feeds, sizes = self._gather(requests)
            asked = {name for request in requests for name in request.requested_output_names()}
            names = sorted(asked)
            arrays = dict(zip(names, self.session.run(names, feeds, self.run_options), strict=True))
        except Exception as error:  # noqa: BLE001  # whatever it is, every request must hear of it
            failure = pb_utils.TritonError(onnx_error(error), pb_utils.TritonError.INTERNAL)
            return [pb_utils.InferenceResponse([], failure) for _ in requests]
        responses, start = [], 0
        for request, size in zip(requests, sizes, strict=True):
            rows = slice(start, start + size) if self.batching else slice(None)
            start += size
            responses.append(
                pb_utils.InferenceResponse(
                    [
                        pb_utils.Tensor(name, self._reshape(name, arrays[name][rows]))
                        for name in request.requested_output_names()
                    ]
                )
            )
        return responses

    def _gather(self, requests: list[Any]) -> tuple[dict[str, Any], list[int]]:
        """Inputs of all requests joined along dim 0, and the rows of each request."""
        feeds: dict[str, Any] = {}
        sizes: list[int] = []
        for name, shape in self.inputs:
            parts = [
                pb_utils.get_input_tensor_by_name(request, name).as_numpy() for request in requests
            ]
            if shape is not None:
                batch = [-1] if self.batching else []
                parts = [part.reshape([*batch, *shape]) for part in parts]
            sizes = [part.shape[0] if part.ndim else 1 for part in parts]
            feeds[name] = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return feeds, sizes

    def _reshape(self, name: str, array: Any) -> Any:
        if name in self.reshaped:
            batch = [array.shape[0]] if self.batching else []
            array = array.reshape([*batch, *self.reshaped[name]])
        return array


def refuse_numpy(version: str) -> None:
    """Raises TritonModelException for numpy 2: with it outputs arrive with zero bytes, silently."""
    if int(version.split(".", maxsplit=1)[0]) >= 2:
        raise pb_utils.TritonModelException(
            f"numpy {version} in the server's Python: outputs would arrive empty without an "
            "error; the embedded server needs numpy<2"
        )


def session_options(config: dict[str, Any]) -> ort.SessionOptions:
    """Settings from `parameters`, under the names and with the defaults of the native backend."""
    options = ort.SessionOptions()
    level = int(config.get("optimization", {}).get("graph", {}).get("level", 0))
    options.graph_optimization_level = GRAPH_LEVELS.get(
        level, ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    )
    if _number(config, "execution_mode") == 1:
        options.execution_mode = ort.ExecutionMode.ORT_PARALLEL
    options.intra_op_num_threads = _number(config, "intra_op_thread_count")
    options.inter_op_num_threads = _number(config, "inter_op_thread_count")
    if (arena := _parameter(config, "enable_mem_arena")) is not None:
        options.enable_cpu_mem_arena = _truth("enable_mem_arena", arena)
    if (pattern := _parameter(config, "enable_mem_pattern")) is not None:
        options.enable_mem_pattern = _truth("enable_mem_pattern", pattern)
    return options


def onnx_error(error: Exception) -> str:
    """The native backend's text for a fault of ONNX Runtime; any other fault in its own words."""
    match = ORT_MESSAGE.match(str(error))
    if match is None:
        return f"onnx runtime error 1: {type(error).__name__}: {error}"
    return f"onnx runtime error {match[1]}: {match[2]}"


def _parameter(config: dict[str, Any], key: str) -> str | None:
    entry = config.get("parameters", {}).get(key)
    return None if entry is None else str(entry["string_value"])


def _number(config: dict[str, Any], key: str) -> int:
    text = _parameter(config, key)
    if text is None:
        return 0
    try:
        return max(0, int(text))
    except ValueError:
        raise pb_utils.TritonModelException(f"parameter {key}: {text!r} is no number") from None


def _truth(key: str, text: str) -> bool:
    """The spellings that the native backend's ParseBoolValue knows."""
    if text.lower() in ("true", "1"):
        return True
    if text.lower() in ("false", "0"):
        return False
    raise pb_utils.TritonModelException(f"parameter {key}: {text!r} is neither true nor false")


def _shape(dims: list[Any]) -> list[int]:
    return [int(size) for size in dims]
