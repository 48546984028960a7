"""Quantised graphs: the same interface, a quarter of the size, the same texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from ocr_export.int8 import LEAST_LINES, CalibrationError, Drift, drift, quantised
from ocr_export.parity import drawn_lines
from ocr_preprocessing.line import prepare_line
from ocr_preprocessing.spec import LineSpec

pytestmark = [pytest.mark.torch, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
WORDS = (
    "Total invoice number paid in cash to the order of page date amount 2026 128.50 0.99".split()
)


def drawn(count: int, seed: int) -> list[np.ndarray]:
    """Short lines of chance words, as they are served: (1, 1, 32, W) each."""
    rng = np.random.default_rng(seed)
    texts = [" ".join(rng.choice(WORDS, size=3)) for _ in range(count)]
    spec = LineSpec()
    return [
        window.pixels[np.newaxis]
        for line in drawn_lines(texts)
        for window in prepare_line(line, spec).windows
    ]


@pytest.fixture(scope="module", params=["crnn", "convnext"])
def fp32(request) -> bytes:
    """The shipped weights: random ones have no text to keep."""
    return (ROOT / "model_repository" / request.param / "2" / "model.onnx").read_bytes()


@pytest.fixture(scope="module")
def int8(fp32) -> bytes:
    return quantised(fp32, drawn(LEAST_LINES, seed=1))


def test_it_is_far_smaller_and_served_as_before(fp32, int8):
    """Same names, types and dimensions; standard operators of the same opset only."""
    assert len(int8) < 0.5 * len(fp32)
    before, after = (onnxruntime.InferenceSession(graph) for graph in (fp32, int8))
    for side in ("get_inputs", "get_outputs"):
        facts = [
            [(x.name, x.type, x.shape) for x in getattr(session, side)()]
            for session in (before, after)
        ]
        assert facts[0] == facts[1]
    old, new = (onnx.load_from_string(graph) for graph in (fp32, int8))
    assert [(o.domain, o.version) for o in new.opset_import] == [("", old.opset_import[0].version)]
    assert new.ir_version <= old.ir_version


def test_it_reads_lines_that_it_was_not_calibrated_on_alike(fp32, int8):
    found = drift(int8, fp32, drawn(20, seed=2))
    assert found.tolerable, found
    assert found.confidence_shift < 0.02


def test_company_in_a_batch_changes_no_reading(int8):
    """What dynamic quantisation would break: its scales are of the whole batch."""
    session = onnxruntime.InferenceSession(int8)
    line = drawn(1, seed=3)[0]
    loud = np.where(np.indices(line.shape).sum(axis=0) % 2, 255, 0).astype(np.uint8)
    alone = session.run(None, {"image": line})
    together = session.run(None, {"image": np.concatenate([line, loud])})
    np.testing.assert_array_equal(alone[0][0], together[0][0])
    np.testing.assert_allclose(alone[1][0], together[1][0], atol=1e-5)


def test_weights_have_seven_bits_so_that_no_processor_saturates(int8):
    graph = onnx.load_from_string(int8)
    weights = [
        onnx.numpy_helper.to_array(tensor)
        for tensor in graph.graph.initializer
        if tensor.data_type == onnx.TensorProto.INT8 and len(tensor.dims) > 1
    ]
    assert weights
    assert max(int(np.abs(weight.astype(int)).max()) for weight in weights) <= 64


def test_too_few_lines_are_refused(fp32):
    with pytest.raises(CalibrationError, match=r"3 lines are too few .* at least 50"):
        quantised(fp32, drawn(3, seed=1))


def test_a_graph_that_reads_differently_is_not_tolerable(fp32, int8):
    """Another model's graph stands in for one that quantising has broken."""
    graph = onnx.load_from_string(int8)
    bias = next(t for t in graph.graph.initializer if t.name == "network.output.bias")
    spoilt = onnx.numpy_helper.to_array(bias).copy()
    spoilt[1:50] += 100
    bias.CopyFrom(onnx.numpy_helper.from_array(spoilt, bias.name))
    found = drift(graph.SerializeToString(), fp32, drawn(5, seed=2))
    assert not found.tolerable
    assert "steps have another code point than in FP32" in str(found)


def test_nothing_compared_is_not_tolerable():
    assert not Drift(0, 0, 0.0).tolerable


def test_a_confidence_that_is_not_a_number_is_not_tolerable():
    assert Drift(100, 0, 0.0).tolerable
    assert not Drift(100, 0, float("nan")).tolerable
