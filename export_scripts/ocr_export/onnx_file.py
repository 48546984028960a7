"""A recogniser as the bytes of a `model.onnx` that every server of ours loads."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import onnx
import torch

from .checkpoint import Recogniser
from .graph import INPUT, OUTPUTS, LineReader

OPSET = 17  # and IR version 8: what ONNX Runtime 1.19, the oldest server's, surely loads
MAX_IR = 10


def to_onnx(recogniser: Recogniser, *, width: int | None = None) -> bytes:
    """The self-contained graph; the same recogniser gives the same bytes with the same torch.

    Input `image` UINT8 (N, 1, 32, W); outputs `codepoints` INT32 (N, T), `confidence` FP32
    (N, T). N is dynamic, and so are W and T unless a width is given (`LineSpec.fixed_width`).
    Batch norms are folded into the convolutions by the exporter; further fusion is left to the
    runtime, which knows its own processor.
    """
    reader = LineReader(recogniser).eval()
    # 2: a batch of 1 gets baked in
    example = torch.zeros(2, 1, 32, width or 64, dtype=torch.uint8)
    image_axes = {0: "N"} if width else {0: "N", 3: "W"}
    answer_axes = {0: "N"} if width else {0: "N", 1: "T"}
    with (
        tempfile.TemporaryDirectory() as folder,
        warnings.catch_warnings(),
        torch.no_grad(),
    ):
        path = Path(folder) / "model.onnx"
        # The exporter warns that it is the older one (the newer needs onnxscript and starts at
        # opset 18), and that LSTM states depend on the batch, which they do not here: they are
        # zeros made from the input's own shape. tests/export shows both.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            reader,
            (example,),
            str(path),
            opset_version=OPSET,
            dynamo=False,
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_axes={
                INPUT: image_axes,
                OUTPUTS[0]: answer_axes,
                OUTPUTS[1]: answer_axes,
            },
        )
        model = onnx.load(path)
    if model.ir_version > MAX_IR:
        raise RuntimeError(f"torch wrote ONNX IR {model.ir_version}; servers load up to {MAX_IR}")
    if width:  # the exporter loses sight of T, which config.pbtxt fixes, too
        with torch.no_grad():
            steps = reader(example)[0].shape[1]
        for output in model.graph.output:
            output.type.tensor_type.shape.dim[1].dim_value = steps
    for node in model.graph.node:
        node.doc_string = ""  # where in which file on this machine the line of Python stood
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))
