"""Recognisers whose answer says which image was read and by which arm: real graphs, a few kB each.

An answer is the arm's own character and eight digits computed from every pixel and its place, so
another request's answer, another arm's, or a spoilt image shows in the text. `answers.expected` says the same
without ONNX Runtime. They have the contract of every model in `model_repository/`.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, checker, helper, numpy_helper

from ocr_export.config_pbtxt import config_text
from ocr_preprocessing.spec import LineSpec

from .answers import DIGITS, PARTS, PRIME, ROWS, SPOILT, Kind, MadeArm


def graph(made: MadeArm) -> ModelProto:
    """Checked by onnx."""
    node = helper.make_node
    nodes: list[NodeProto] = [
        node("Cast", ["image"], ["pixels"], to=TensorProto.INT64),
        node("Mul", ["pixels", "rows"], ["weighed"]),
        node("ReduceSum", ["weighed", "height_axes"], ["columns"], keepdims=0),
        node("Shape", ["columns"], ["width"], start=1, end=2),
        node("Squeeze", ["width"], ["last_place"]),
        node("Add", ["last_place", "nought"], ["end"]),
        node("Add", ["end", "one"], ["past_the_end"]),
        node("Range", ["one", "past_the_end", "one"], ["places"]),
        node("Mul", ["columns", "places"], ["placed"]),
        node("ReduceSum", ["placed", "width_axis"], ["sum"], keepdims=1),
        node("Mod", ["sum", "prime"], ["number"]),
        node("Div", ["number", "powers"], ["shifted"]),
        node("Mod", ["shifted", "ten"], ["digits"]),
        node("Add", ["digits", "digit_nought"], ["digit_codes"]),
        node("Mul", ["number", "zero"], ["nothing"]),
        node("Add", ["nothing", "letter"], ["letters"]),
        node("Concat", ["letters", "digit_codes"], ["line"], axis=1),
        node("Mod", ["number", "parts"], ["part"]),
        node("Less", ["part", "bad_parts"], ["bad"]),
        *_faults(made.kind),
        node("Unsqueeze", ["written", "last_axis"], ["apart"]),
        node("Mul", ["apart", "zero"], ["blanks"]),
        node("Concat", ["apart", "blanks"], ["with_blanks"], axis=2),
        node("Flatten", ["with_blanks"], ["steps"], axis=1),
        # Padded to a step for each stride of pixels.
        node("Div", ["width", "stride"], ["step_count"]),
        node("Sub", ["step_count", "steps_written"], ["missing"]),
        node("Concat", ["no_padding", "missing"], ["padding"], axis=0),
        node("Pad", ["steps", "padding", "nought"], ["padded"]),
        node("Cast", ["padded"], ["codepoints"], to=TensorProto.INT32),
        node("Greater", ["padded", "nought"], ["is_written"]),
        node("Where", ["is_written", "sure", "surer"], ["confidence"]),
    ]
    built = helper.make_graph(
        nodes,
        f"{made.arm.model}-{made.kind}",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", 1, 32, "W"])],
        [
            helper.make_tensor_value_info("codepoints", TensorProto.INT32, ["N", "T"]),
            helper.make_tensor_value_info("confidence", TensorProto.FLOAT, ["N", "T"]),
        ],
        _constants(made),
    )
    model = helper.make_model(built, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model, full_check=True)
    return model


def write(folder: Path, made: MadeArm) -> str:
    """model.onnx and meta.json into a new folder. Returns the weights' SHA-256."""
    content = graph(made).SerializeToString()
    digest = hashlib.sha256(content).hexdigest()
    meta = {
        "model": made.arm.model,
        "version": made.arm.version,
        "sha256": digest,
        "bytes": len(content),
        "arch": "made",
        "spec": LineSpec().to_parameters(),
        "training": {"made": made.kind, "share": made.share},
        "accuracy": {},
    }
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(content)
    (folder / "meta.json").write_text(json.dumps(meta) + "\n", encoding="utf-8")
    return digest


def write_repository(root: Path, arms: tuple[MadeArm, ...]) -> Path:
    """Served without a warm-up, whose noise a bad one might fail on."""
    for made in arms:
        write(root / made.arm.model / str(made.arm.version), made)
    for model in {made.arm.model for made in arms}:
        versions = tuple(sorted(made.arm.version for made in arms if made.arm.model == model))
        text = config_text(model, versions, LineSpec())
        config = root / model / "config.pbtxt"
        config.write_text(text[: text.index("model_warmup")], encoding="utf-8")
    return root


def _faults(kind: Kind) -> list[NodeProto]:
    """`written` (N, 9): `line`, or what stands in its place where the image is a bad one."""
    node = helper.make_node
    if kind == "raises":  # looks a row up that is not there
        return [
            node("Where", ["bad", "nowhere", "zero"], ["row"]),
            node("Gather", ["one_row", "row"], ["extra"], axis=0),
            node("Squeeze", ["extra", "last_axis"], ["added"]),
            node("Add", ["line", "added"], ["written"]),
        ]
    if kind == "healthy":
        return [node("Identity", ["line"], ["written"])]
    return [node("Where", ["bad", "instead", "line"], ["written"])]


def _constants(made: MadeArm) -> list[TensorProto]:
    bad_parts = 0 if made.kind == "healthy" else round(made.share * PARTS)
    constants: dict[str, Any] = {
        "rows": ROWS.reshape(1, 1, 32, 1),
        "height_axes": np.array([1, 2]),
        "width_axis": np.array([1]),
        "last_axis": np.array([2]),
        "nought": np.array(0),
        "one": np.array(1),
        "zero": np.array([0]),
        "prime": np.array([PRIME]),
        "powers": 10 ** np.arange(DIGITS - 1, -1, -1),
        "ten": np.array([10]),
        "digit_nought": np.array([ord("0")]),
        "letter": np.array([ord(made.letter)]),
        "parts": np.array([PARTS]),
        "bad_parts": np.array([bad_parts]),
        "instead": np.array([0 if made.kind == "empty" else SPOILT]),
        "nowhere": np.array([10**6]),
        "one_row": np.zeros((1, 1), np.int64),
        "stride": np.array([LineSpec().stride]),
        "steps_written": np.array([2 * (DIGITS + 1)]),
        "no_padding": np.array([0, 0, 0]),
        "sure": np.array(0.97, np.float32),
        "surer": np.array(0.99, np.float32),
    }
    used = {name for node in _faults(made.kind) for name in node.input}
    unused = {"instead", "nowhere", "one_row"} - used
    return [
        numpy_helper.from_array(np.asarray(value), name)
        for name, value in constants.items()
        if name not in unused
    ]
