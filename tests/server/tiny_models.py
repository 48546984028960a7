"""Made graphs of a few hundred bytes with the inputs and outputs of a recogniser."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper, save

CONFIG = """
name: "{name}"
backend: "onnxruntime"
max_batch_size: 16
input [ {{ name: "image" data_type: TYPE_UINT8 dims: [ 1, 32, -1 ] }} ]
output [
  {{ name: "codepoints" data_type: TYPE_INT32 dims: [ -1 ] }},
  {{ name: "confidence" data_type: TYPE_FP32 dims: [ -1 ] }}
]
version_policy {{ specific {{ versions: [ {versions} ] }} }}
instance_group [ {{ kind: KIND_CPU count: 1 }} ]
dynamic_batching {{ max_queue_delay_microseconds: {delay_us} }}
parameters {{ key: "intra_op_thread_count" value {{ string_value: "1" }} }}
"""


def echo_graph(height: int | str = 32) -> ModelProto:
    """A graph: codepoints = brightest pixel of each 32x4 cell; confidence = that / 255.

    An image that is not 32 high fails at run time (Squeeze of an axis that is not 1), which the
    configuration keeps out unless `height` is left open there too.
    """
    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("MaxPool", ["pixels"], ["cells"], kernel_shape=[32, 4], strides=[32, 4]),
        helper.make_node("Squeeze", ["cells", "axes"], ["steps"]),
        helper.make_node("Cast", ["steps"], ["codepoints"], to=TensorProto.INT32),
        helper.make_node("Div", ["steps", "white"], ["confidence"]),
    ]
    graph = helper.make_graph(
        nodes,
        "echo",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", 1, height, "W"])],
        [
            helper.make_tensor_value_info("codepoints", TensorProto.INT32, ["N", "T"]),
            helper.make_tensor_value_info("confidence", TensorProto.FLOAT, ["N", "T"]),
        ],
        [
            numpy_helper.from_array(np.array([1, 2]), "axes"),
            numpy_helper.from_array(np.float32(255), "white"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model)
    return model


def write_model(
    repository: Path,
    name: str,
    *,
    versions: Sequence[int] = (1,),
    delay_us: int = 0,
    height: int | str = 32,
    replace: tuple[str, str] = ("", ""),
) -> Path:
    """A model folder; replace: one change to the configuration's text."""
    folder = repository / name
    for version in versions:
        (folder / str(version)).mkdir(parents=True)
        save(echo_graph(height), folder / str(version) / "model.onnx")
    text = CONFIG.format(name=name, versions=", ".join(map(str, versions)), delay_us=delay_us)
    if replace[0]:
        assert replace[0] in text
        text = text.replace(*replace)
    (folder / "config.pbtxt").write_text(text)
    return folder


def post(
    address: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, Any]:
    """(HTTP status, parsed body)."""
    request = urllib.request.Request(
        f"http://{address}{path}",
        data=json.dumps(body if body is not None else {}).encode(),
        headers=headers or {},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            raw = answer.read()
            return answer.status, json.loads(raw) if raw else None
    except urllib.error.HTTPError as error:
        raw = error.read()
        return error.code, json.loads(raw) if raw else None


def request(
    arm: str = "crnn:1",
    *,
    pixel: int = 65,
    shape: tuple[int, ...] = (1, 1, 32, 8),
    outputs: Sequence[str] = ("codepoints",),
) -> tuple[str, dict[str, Any]]:
    """(path, body) of a request of equal pixels."""
    model, version = arm.split(":")
    image = {
        "name": "image",
        "datatype": "UINT8",
        "shape": shape,
        "data": [pixel] * int(np.prod(shape)),
    }
    asked = [{"name": name} for name in outputs]
    return f"/v2/models/{model}/versions/{version}/infer", {"inputs": [image], "outputs": asked}


def infer(address: str, arm: str = "crnn:1", **options: Any) -> tuple[int, Any]:
    """What `request` has for options. (status, {output: values}) or (status, error text)."""
    status, answer = post(address, *request(arm, **options))
    if status != 200:
        return status, answer["error"]
    return status, {output["name"]: output["data"] for output in answer["outputs"]}
