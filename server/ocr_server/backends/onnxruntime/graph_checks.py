"""Load-time checks of Triton's native onnxruntime backend, repeated in plain Python.

What the embedded server accepts must load in the container too, so the rules and the texts are
those of `ValidateInputs`, `ValidateOutputs` and `CompareDimsSupported` in the backend's
`onnxruntime.cc`. The module runs beside `model.py` inside the server's own Python, where
nothing else of this project exists: standard library only.

A configuration is the JSON form that Triton hands to a backend: names as in config.pbtxt,
64-bit integers as strings or numbers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# Data type of config.pbtxt against the type name ONNX Runtime reports. Strings and bfloat16
# exist in the native backend but cannot pass through Python arrays unchanged.
ONNX_TYPES = {
    "TYPE_BOOL": "tensor(bool)",
    "TYPE_UINT8": "tensor(uint8)",
    "TYPE_UINT16": "tensor(uint16)",
    "TYPE_UINT32": "tensor(uint32)",
    "TYPE_UINT64": "tensor(uint64)",
    "TYPE_INT8": "tensor(int8)",
    "TYPE_INT16": "tensor(int16)",
    "TYPE_INT32": "tensor(int32)",
    "TYPE_INT64": "tensor(int64)",
    "TYPE_FP16": "tensor(float16)",
    "TYPE_FP32": "tensor(float)",
    "TYPE_FP64": "tensor(double)",
}
CONFIG_TYPES = {onnx: config for config, onnx in ONNX_TYPES.items()}


@dataclasses.dataclass(frozen=True)
class GraphTensor:
    """One input or output of a graph. shape: -1 where dynamic, batch included."""

    name: str
    type: str
    shape: tuple[int, ...]

    @classmethod
    def read(cls, argument: Any) -> GraphTensor:
        """From one entry of `InferenceSession.get_inputs()` or `get_outputs()`."""
        shape = tuple(size if isinstance(size, int) else -1 for size in argument.shape)
        return cls(argument.name, argument.type, shape)


def problems(
    config: Mapping[str, Any], inputs: Sequence[GraphTensor], outputs: Sequence[GraphTensor]
) -> list[str]:
    """Why the native backend, or this one, would refuse to load. Empty: it loads."""
    model = str(config.get("name", ""))
    found = list(_unsupported(config, model))
    wanted = config.get("input", [])
    if len(wanted) != len(inputs):
        found.append(
            f"unable to load model '{model}', configuration expects {len(wanted)} inputs, "
            f"model provides {len(inputs)}"
        )
    for kind, tensors, exact in (("input", inputs, False), ("output", outputs, True)):
        named = {tensor.name: tensor for tensor in tensors}
        for io in config.get(kind, []):
            found += _compare(config, io, named, kind=kind, exact=exact)
    return found


def _unsupported(config: Mapping[str, Any], model: str) -> Iterable[str]:
    unable = f"unable to load model '{model}',"
    if "sequence_batching" in config:
        yield f"{unable} sequence batching is not supported"
    if config.get("model_transaction_policy", {}).get("decoupled"):
        yield f"{unable} decoupled transactions are not supported"
    for key in ("batch_input", "batch_output"):
        if config.get(key):
            yield f"{unable} {key} is not supported"
    for io in config.get("input", []):
        if io.get("allow_ragged_batch"):
            yield f"{unable} ragged input '{io['name']}' is not supported"
        if io.get("optional"):
            yield (
                f"{unable} optional input '{io['name']}' is not supported for models that "
                "support batching"
            )
    yield from _wrong_settings(config, unable)


def _wrong_settings(config: Mapping[str, Any], unable: str) -> Iterable[str]:
    for group in config.get("instance_group", []):
        if group.get("kind", "KIND_AUTO") not in ("KIND_AUTO", "KIND_CPU"):
            yield f"{unable} instance kind {group['kind']} needs a GPU"
    mode = config.get("parameters", {}).get("execution_mode", {}).get("string_value", "0")
    if mode not in ("0", "1"):
        yield (
            "Invalid configuration value provided. Expected values for  execution_mode are "
            f"0 or 1 but got {mode} ."
        )


def _compare(
    config: Mapping[str, Any],
    io: Mapping[str, Any],
    named: Mapping[str, GraphTensor],
    *,
    kind: str,
    exact: bool,
) -> list[str]:
    model, name, data_type = config.get("name", ""), io["name"], io["data_type"]
    if name not in named:
        allowed = ", ".join(sorted(named))
        return [f"unexpected inference {kind} '{name}', allowed {kind}s are: {allowed}"]
    tensor = named[name]
    if data_type not in ONNX_TYPES:
        return [f"unsupported datatype {data_type} for {kind} '{name}' for model '{model}'"]
    found = []
    if ONNX_TYPES[data_type] != tensor.type:
        provided = CONFIG_TYPES.get(tensor.type, tensor.type)
        found.append(
            f"unable to load model '{model}', configuration expects datatype {data_type} "
            f"for {kind} '{name}', model provides {provided}"
        )
    shape = io["reshape"].get("shape", []) if "reshape" in io else io.get("dims", [])
    wrong = _compare_dims(config, name, tensor.shape, [int(size) for size in shape], exact=exact)
    return [*found, *([wrong] if wrong else [])]


def _compare_dims(
    config: Mapping[str, Any],
    name: str,
    graph: tuple[int, ...],
    dims: list[int],
    *,
    exact: bool,
) -> str | None:
    """What differs between the graph's shape and the configured one; None when nothing does.

    exact: outputs must agree in every place; inputs may be free in the graph and fixed in the
    configuration.
    """
    model = config.get("name", "")
    batching = int(config.get("max_batch_size", 0)) > 0
    if batching and (not graph or graph[0] != -1):
        return (
            f"model '{model}', tensor '{name}': for the model to support batching the shape "
            f"should have at least 1 dimension and the first dimension must be -1; but shape "
            f"expected by the model is {_text(graph)}"
        )
    full = [-1, *dims] if batching else dims
    same = len(graph) == len(full) and all(
        theirs == ours or (theirs == -1 and not exact)
        for theirs, ours in zip(graph, full, strict=True)
    )
    if same:
        return None
    why = (
        "dimensions (an initial batch dimension because max_batch_size > 0 followed by the "
        f"explicit tensor shape, making complete shape {_text(full)})"
        if batching
        else f"dimensions (shape {_text(full)})"
    )
    return (
        f"model '{model}', tensor '{name}': the model expects {len(graph)} dimensions "
        f"(shape {_text(graph)}) but the model configuration specifies {len(full)} {why}"
    )


def _text(shape: Sequence[int]) -> str:
    return "[" + ",".join(map(str, shape)) + "]"
