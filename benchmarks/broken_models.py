"""Candidates that are broken on purpose, as real ONNX graphs of a few kB, and a healthy one.

All take and give what a recogniser of ours does: `image` UINT8 (N, 1, 32, W) in, `codepoints` INT32
and `confidence` FP32 (N, W / 4) out, so Triton serves them with our own config.pbtxt.

| kind | what it does with the images that it is bad on |
|---|---|
| `healthy` | reads one of a few made texts, picked by the image: all healthy ones read alike |
| `raises` | looks up a row that is not there: ONNX Runtime fails, Triton answers 500 |
| `empty` | every step is the CTC blank |
| `garbage` | replacement characters, one syllable over and over, or characters that no text uses |
| `slow` | reads well, after multiplying matrices for a while |

Which images those are depends on the image alone, so one image meets the same fate each time.
Noise is never among them: a candidate that fails in the warm-up of its own config.pbtxt would not
be loaded, and is nobody's worry.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, checker, helper, numpy_helper

from ocr_export.config_pbtxt import config_text
from ocr_preprocessing.spec import LineSpec
from ocr_rollout.core.routing import Arm

Kind = Literal["healthy", "raises", "empty", "garbage", "slow"]

TEXTS: Final = (
    "INVOICE 2026-11-22",
    "TOTAL RM 45.90",
    "发票号码 00348217",
    "Qty 12  Price 3.50",
    "北京市海淀区中关村",
    "Thank you, come again",
)
# What stands in their place, for `garbage`; check by check what `ocr_rollout` calls garbled.
GARBAGE: Final = (
    "\ufffd" * 40,
    "的" * 60,
    "".join(chr(0x3400 + 97 * k) for k in range(40)),  # far apart in extension A
)
STEPS_A_CHARACTER: Final = 2  # a blank after each, or CTC would take a repeated one for one
# Mean difference of neighbouring pixels: random bytes have 85, lines of text far less.
_NOISE: Final = 70.0
_SIDE: Final = 256  # of the matrices; a product takes about a millisecond of a core
_PARTS: Final = 1_000  # a share is told by the sum of the pixels modulo this


@dataclasses.dataclass(frozen=True)
class Made:
    """One made candidate.

    share: of the images that it is bad on, 0..1.
    wider_than: and of these only those prepared to more pixels than this, e.g. the long lines
        that nobody had thought of.
    slow_ms: what `slow` takes longer on a core that has nothing else to do.
    """

    kind: Kind = "healthy"
    share: float = 1.0
    wider_than: int = 0
    slow_ms: int = 100


HEALTHY: Final = Made()


def recogniser(made: Made = HEALTHY) -> ModelProto:
    """The graph. Checked by onnx; a few kB, 260 kB for `slow`, which carries a matrix."""
    nodes = [*_is_bad(), *_reading(made)]
    if made.kind == "slow":
        nodes += _delay()
    graph = helper.make_graph(
        nodes,
        made.kind,
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", 1, 32, "W"])],
        [
            helper.make_tensor_value_info("codepoints", TensorProto.INT32, ["N", "T"]),
            helper.make_tensor_value_info("confidence", TensorProto.FLOAT, ["N", "T"]),
        ],
        _constants(made),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model, full_check=True)
    return model


def write_version(repository: Path, arm: Arm, made: Made = HEALTHY) -> str:
    """Writes the version's folder, complete at once by a rename. Returns the weights' SHA-256.

    Triton is not told, and config.pbtxt is not touched: see `serve_versions`.
    """
    content = recogniser(made).SerializeToString()
    digest = hashlib.sha256(content).hexdigest()
    meta = {
        "model": arm.model,
        "version": arm.version,
        "sha256": digest,
        "bytes": len(content),
        "arch": "made",
        "spec": LineSpec().to_parameters(),
        "training": {"made": dataclasses.asdict(made)},
        "accuracy": {},
    }
    folder = repository / arm.model
    folder.mkdir(parents=True, exist_ok=True)
    # Not in the model's folder: any entry there but a version makes Triton reload all of them.
    stage = Path(tempfile.mkdtemp(prefix=".made-", dir=repository.parent))
    try:
        stage.chmod(0o755)
        (stage / "model.onnx").write_bytes(content)
        (stage / "meta.json").write_text(json.dumps(meta, indent=2) + "\n", encoding="utf-8")
        stage.rename(folder / str(arm.version))
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return digest


def serve_versions(repository: Path, model: str, versions: Sequence[int]) -> None:
    """Lists the versions in config.pbtxt, made without warm-up if there is none. Triton: load."""
    path = repository / model / "config.pbtxt"
    if path.exists():
        listed = f"specific {{ versions: [ {', '.join(map(str, versions))} ] }}"
        text, found = re.subn(
            r"specific\s*\{\s*versions:\s*\[[^\]]*\]\s*\}", listed, path.read_text(encoding="utf-8")
        )
        assert found == 1, f"{path}: no version_policy to change"
    else:
        text = config_text(model, tuple(versions), LineSpec())
        text = text[: text.index("model_warmup")]
    new = repository.parent / f".config-{model}"
    new.write_text(text, encoding="utf-8")
    new.replace(path)


def write_repository(repository: Path, arms: dict[str, Made]) -> Path:
    """A whole repository of made models: {"convnext:1": HEALTHY, "crnn:2": Made("empty")}."""
    repository.mkdir(parents=True, exist_ok=True)
    parsed = {Arm.parse(name): made for name, made in arms.items()}
    for arm, made in parsed.items():
        write_version(repository, arm, made)
    for model in {arm.model for arm in parsed}:
        versions = sorted(arm.version for arm in parsed if arm.model == model)
        serve_versions(repository, model, versions)
    return repository


def _is_bad() -> list[NodeProto]:
    """`bad` (N,): by the sum of the pixels, the width, and not being noise."""
    node = helper.make_node
    return [
        node("Cast", ["image"], ["pixels"], to=TensorProto.INT64),
        node("ReduceSum", ["pixels", "inner"], ["sum"], keepdims=0),
        node("Mod", ["sum", "parts"], ["part"]),
        node("Less", ["part", "bad_parts"], ["drawn"]),
        node("Shape", ["image"], ["width"], start=3, end=4),
        node("Greater", ["width", "wider_than"], ["wide"]),
        node("Slice", ["pixels", "first", "last", "columns"], ["right"]),
        node("Slice", ["pixels", "zero", "minus_one", "columns"], ["left"]),
        node("Sub", ["right", "left"], ["difference"]),
        node("Abs", ["difference"], ["steps_up"]),
        node("Cast", ["steps_up"], ["roughness"], to=TensorProto.FLOAT),
        node("ReduceMean", ["roughness"], ["noise"], axes=[1, 2, 3], keepdims=0),
        node("Less", ["noise", "noise_limit"], ["telling"]),
        node("And", ["drawn", "wide"], ["drawn_wide"]),
        node("And", ["drawn_wide", "telling"], ["bad"]),
    ]


def _reading(made: Made) -> list[NodeProto]:
    """A row of `table` for each image, a character each STEPS_A_CHARACTER steps."""
    node = helper.make_node
    rows = {"raises": "nowhere", "empty": "blank_row", "garbage": "garbage_row"}
    return [
        node("Mod", ["sum", "texts"], ["text"]),
        node("Mod", ["sum", "kinds"], ["garbage_kind"]),
        node("Add", ["garbage_kind", "texts"], ["garbage_row"]),
        node("Where", ["bad", rows.get(made.kind, "text"), "text"], ["row"]),
        node("Gather", ["table", "row"], ["line"], axis=0),
        node("Div", ["width", "stride"], ["step_count"]),
        node("Squeeze", ["step_count"], ["step_limit"]),
        node("Range", ["nought", "step_limit", "one"], ["step"]),
        node("Min", ["step", "last_step"], ["place"]),  # beyond the table: its last, a blank
        node("Gather", ["line", "place"], ["codepoints"], axis=1),
        node("Greater", ["codepoints", "blank"], ["written"]),
        node("Where", ["written", "sure", "surer"], ["certainty"]),
        *([] if made.kind == "slow" else [node("Identity", ["certainty"], ["confidence"])]),
    ]


def _delay() -> list[NodeProto]:
    """Multiplies matrices while `rounds` lasts; the confidence needs the product, hardly."""
    node = helper.make_node
    return [
        node("Cast", ["bad"], ["bad_number"], to=TensorProto.INT64),
        node("ReduceMax", ["bad_number"], ["any_bad"], keepdims=0),
        node("Mul", ["any_bad", "slow_rounds"], ["rounds"]),
        node("Loop", ["rounds", "", "matrix"], ["product"], body=_loop_body()),
        node("ReduceMean", ["product"], ["mean"], keepdims=0),
        node("Mul", ["mean", "hardly"], ["trace"]),
        node("Sub", ["certainty", "trace"], ["confidence"]),
    ]


def _loop_body() -> GraphProto:
    value = helper.make_tensor_value_info
    side = [_SIDE, _SIDE]
    return helper.make_graph(
        [
            helper.make_node("MatMul", ["before", "matrix"], ["larger"]),
            helper.make_node("Tanh", ["larger"], ["after"]),  # or it would grow beyond all bounds
            helper.make_node("Identity", ["go_on"], ["still"]),
        ],
        "round",
        [
            value("round", TensorProto.INT64, []),
            value("go_on", TensorProto.BOOL, []),
            value("before", TensorProto.FLOAT, side),
        ],
        [value("still", TensorProto.BOOL, []), value("after", TensorProto.FLOAT, side)],
    )


def _table() -> npt.NDArray[np.int32]:
    """(texts, garbage, an empty one; steps) of code points; the last step is a blank."""
    lines = [*TEXTS, *GARBAGE, ""]
    table = np.zeros((len(lines), STEPS_A_CHARACTER * max(map(len, lines)) + 1), np.int32)
    for row, text in zip(table, lines, strict=True):
        row[1 : 1 + STEPS_A_CHARACTER * len(text) : STEPS_A_CHARACTER] = [*map(ord, text)]
    return table


def _constants(made: Made) -> list[TensorProto]:
    table = _table()
    rng = np.random.default_rng(0)
    bad_parts = 0 if made.kind == "healthy" else round(made.share * _PARTS)
    constants: dict[str, Any] = {
        "inner": np.array([1, 2, 3]),
        "parts": np.array([_PARTS]),
        "bad_parts": np.array([bad_parts]),
        "wider_than": np.array([made.wider_than]),
        "first": np.array([1]),
        "last": np.array([np.iinfo(np.int64).max]),
        "zero": np.array([0]),
        "minus_one": np.array([-1]),
        "columns": np.array([3]),
        "noise_limit": np.array([_NOISE], np.float32),
        "texts": np.array([len(TEXTS)]),
        "kinds": np.array([len(GARBAGE)]),
        "nowhere": np.array([10**6]),
        "blank_row": np.array([len(table) - 1]),
        "table": table,
        "stride": np.array([LineSpec().stride]),
        "nought": np.array(0),
        "one": np.array(1),
        "last_step": np.array(table.shape[1] - 1),
        "blank": np.array(0, np.int32),
        "sure": np.array(0.97, np.float32),
        "surer": np.array(0.99, np.float32),
    }
    if made.kind == "slow":
        constants |= {
            "slow_rounds": np.array(made.slow_ms),
            "matrix": rng.normal(0, _SIDE**-0.5, (_SIDE, _SIDE)).astype(np.float32),
            "hardly": np.array(1e-9, np.float32),
        }
    return [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
