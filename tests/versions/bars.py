"""A recogniser of a few hundred bytes that really reads: n black bars on a line are n letters I.

It makes publishing testable with known truth at a second a version, and its confidence says
which version answered: 1 - version / 1000.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper
from PIL import Image

from ocr_preprocessing.spec import LineSpec
from ocr_rollout.core.routing import Arm

LETTER = "I"
# The arms of the repositories made here, whatever the shipped configuration names.
ARMS = 'stable: "convnext:1", candidate: "crnn:1"'
STABLE, CANDIDATE = Arm("convnext", 1), Arm("crnn", 1)
CONFIG = """\
name: "{name}"
backend: "onnxruntime"
max_batch_size: 16

input [
  {{ name: "image" data_type: TYPE_UINT8 dims: [ 1, 32, -1 ] }}
]
output [
  {{ name: "codepoints" data_type: TYPE_INT32 dims: [ -1 ] }},
  {{ name: "confidence" data_type: TYPE_FP32 dims: [ -1 ] }}
]

version_policy {{ specific {{ versions: [ {versions} ] }} }}

instance_group [ {{ kind: KIND_CPU count: 1 }} ]

parameters {{ key: "intra_op_thread_count" value: {{ string_value: "1" }} }}
{parameters}
"""


@dataclasses.dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a graph. nan: of the weight `mark`. zero_by_zero: at run time."""

    output: str = "confidence"
    table: tuple[int, ...] = (0, ord(LETTER))
    nan: bool = False
    zero_by_zero: bool = False
    blind: bool = False
    opset: int = 17
    ir_version: int = 8
    operator: str = "Identity"


SOUND = Fault()


def graph(version: int = 1, fault: Fault = SOUND) -> ModelProto:
    """A cell of 32x4 holds ink where it has white and black in it; the padding has black only."""
    mark = np.float32(np.nan if fault.nan else 1 - version / 1000)
    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("MaxPool", ["pixels"], ["white"], kernel_shape=[32, 4], strides=[32, 4]),
        helper.make_node("Neg", ["pixels"], ["negative"]),
        helper.make_node("MaxPool", ["negative"], ["black"], kernel_shape=[32, 4], strides=[32, 4]),
        helper.make_node("Add", ["white", "black"], ["contrast4"]),
        helper.make_node("Squeeze", ["contrast4", "axes"], ["contrast"]),
        helper.make_node("Greater", ["contrast", "half"], ["ink"]),
        helper.make_node("Cast", ["ink"], ["class"], to=TensorProto.INT64),
        helper.make_node("Gather", ["codepoint_of_class", "class"], ["codepoints"]),
        helper.make_node("Mul", ["contrast", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "mark"], ["certain"]),
        helper.make_node("Div", ["nothing", "nothing"], ["undefined"])
        if fault.zero_by_zero
        else helper.make_node("Identity", ["certain"], ["undefined"]),
        helper.make_node(fault.operator, ["undefined"], [fault.output]),
    ]
    outputs = [("codepoints", TensorProto.INT32), (fault.output, TensorProto.FLOAT)]
    made = helper.make_graph(
        nodes,
        "bars",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", 1, 32, "W"])],
        [helper.make_tensor_value_info(name, kind, ["N", "T"]) for name, kind in outputs],
        [
            numpy_helper.from_array(np.array([1, 2]), "axes"),
            numpy_helper.from_array(np.float32(1e9 if fault.blind else 128), "half"),
            numpy_helper.from_array(np.float32(0), "zero"),
            numpy_helper.from_array(mark, "mark"),
            numpy_helper.from_array(np.array(fault.table, np.int32), "codepoint_of_class"),
        ],
    )
    model = helper.make_model(
        made,
        opset_imports=[helper.make_opsetid("", fault.opset)],
        ir_version=fault.ir_version,
    )
    if fault == SOUND:
        checker.check_model(model)
    return model


def config_text(name: str, versions: tuple[int, ...]) -> str:
    parameters = "".join(
        f'parameters {{ key: "{key}" value: {{ string_value: "{value}" }} }}\n'
        for key, value in LineSpec().to_parameters().items()
    )
    listed = ", ".join(map(str, versions))
    return CONFIG.format(name=name, versions=listed, parameters=parameters)


def write_version(
    folder: Path, name: str = "crnn", *, version: int = 1, fault: Fault = SOUND
) -> Path:
    """model.onnx and meta.json as export writes them, in a folder of any name."""
    folder.mkdir(parents=True)
    content = graph(version, fault).SerializeToString()
    (folder / "model.onnx").write_bytes(content)
    write_meta(folder, name=name, version=version)
    return folder


def write_meta(folder: Path, **changes: Any) -> None:
    content = (folder / "model.onnx").read_bytes()
    meta = {
        "model": "crnn",
        "version": 1,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "spec": LineSpec().to_parameters(),
        "training": {"made": "by hand"},
        "accuracy": {},
        **({"model": changes.pop("name")} if "name" in changes else {}),
        **changes,
    }
    (folder / "meta.json").write_text(json.dumps(meta))


def write_repository(root: Path, *names: str, versions: tuple[int, ...] = (1,)) -> Path:
    for name in names or ("crnn", "convnext"):
        for version in versions:
            write_version(root / name / str(version), name, version=version)
        (root / name / "config.pbtxt").write_text(config_text(name, versions))
    return root


def line(bars: int) -> npt.NDArray[np.uint8]:
    """(32, W) UINT8: a white line with so many bars that touch neither edge."""
    image = np.full((32, 32 + 32 * bars), 255, np.uint8)
    for bar in range(bars):
        image[4:28, 16 + 32 * bar : 24 + 32 * bar] = 0
    return image


def write_golden(folder: Path) -> Path:
    """Ten lines of one to ten bars."""
    folder.mkdir(parents=True)
    rows = ["file\ttext"]
    for bars in range(1, 11):
        Image.fromarray(line(bars)).save(folder / f"{bars}.png")
        rows.append(f"{bars}.png\t{LETTER * bars}")
    (folder / "labels.tsv").write_text("\n".join(rows) + "\n")
    return folder


def tree(root: Path) -> dict[str, str]:
    """Every file below a folder with the digest of its content: nothing changed, or what did."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def copy(source: Path, target: Path) -> Path:
    return Path(shutil.copytree(source, target))
