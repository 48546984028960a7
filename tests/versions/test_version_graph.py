"""What an ONNX file says about itself is read as onnx reads it, without onnx."""

from __future__ import annotations

import contextlib
from pathlib import Path

import bars
import numpy as np
import onnx
import onnxruntime
import pytest
from bars import Fault
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from ocr_client.versions.graph import GraphError, alphabet_digest, read_graph
from ocr_server.backends.onnxruntime.graph_checks import GraphTensor

SHIPPED = sorted((Path(__file__).parent.parent.parent / "model_repository").glob("*/*/model.onnx"))
WHOLE = bars.graph().SerializeToString()


def test_bars_are_read_as_they_were_made():
    found = read_graph(WHOLE)
    assert (found.ir_version, dict(found.opsets), found.domains) == (8, {"": 17}, {""})
    assert [(port.name, port.type, port.shape) for port in found.inputs] == [
        ("image", "tensor(uint8)", (-1, 1, 32, -1))
    ]
    assert [(port.name, port.type, port.shape) for port in found.outputs] == [
        ("codepoints", "tensor(int32)", (-1, -1)),
        ("confidence", "tensor(float)", (-1, -1)),
    ]
    assert found.alphabet == (0, ord("I"))
    assert (found.external, found.not_a_number) == ((), ())


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: "/".join(path.parts[-3:-1]))
def test_shipped_models_are_read_as_onnx_and_the_runtime_read_them(path):
    content = path.read_bytes()
    found, model = read_graph(content), onnx.load_from_string(content)
    assert found.ir_version == model.ir_version
    assert dict(found.opsets) == {entry.domain: entry.version for entry in model.opset_import}
    session = onnxruntime.InferenceSession(content)
    for ours, theirs in (
        (found.inputs, session.get_inputs()),
        (found.outputs, session.get_outputs()),
    ):
        told = [GraphTensor.read(argument) for argument in theirs]
        assert [(p.name, p.type, p.shape) for p in ours] == [
            (t.name, t.type, t.shape) for t in told
        ]
    tables = [t for t in model.graph.initializer if t.name == "codepoint_of_class"]
    assert len(tables) == (path.parts[-3] != "line_finder")  # which finds lines, and reads none
    for table in tables:
        assert found.alphabet == tuple(numpy_helper.to_array(table).tolist())


@pytest.mark.torch
def test_alphabet_digest_is_the_one_in_meta():
    from ocr_export import alphabet

    table = (0, *map(ord, alphabet.characters()))
    assert alphabet_digest(table) == alphabet.digest()


@pytest.mark.parametrize("size", range(0, len(WHOLE) - 1, 7))
def test_a_part_of_a_file_is_never_taken_for_a_whole(size):
    """The opset stands last, so every cut loses it or breaks a field."""
    with pytest.raises(GraphError, match=r"^not a"):
        read_graph(WHOLE[:size])


@given(st.binary(max_size=200), st.integers(0, len(WHOLE) - 1))
def test_garbage_is_told_and_nothing_else_is_raised(garbage, at):
    for content in (garbage, WHOLE[:at] + garbage + WHOLE[at + len(garbage) :]):
        with contextlib.suppress(GraphError):
            read_graph(content)


KINDS = {
    "float raw": numpy_helper.from_array(np.array([1, np.nan], np.float32), "w"),
    "half raw": numpy_helper.from_array(np.array([1, np.nan], np.float16), "w"),
    "double raw": numpy_helper.from_array(np.array([1, np.nan], np.float64), "w"),
    "float listed": helper.make_tensor("w", TensorProto.FLOAT, [2], [1, np.nan]),
    "double listed": helper.make_tensor("w", TensorProto.DOUBLE, [2], [1, np.nan]),
    "half listed": helper.make_tensor("w", TensorProto.FLOAT16, [2], [1, np.nan]),
    "bfloat16 raw": helper.make_tensor(
        "w", TensorProto.BFLOAT16, [2], b"\x80\x3f\xc1\x7f", raw=True
    ),
}


@pytest.mark.parametrize("tensor", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("place", ["weight", "constant", "inner graph"])
def test_not_a_number_is_found_wherever_it_stands(tensor, place):
    model = bars.graph()
    if place == "weight":
        model.graph.initializer.append(tensor)
    elif place == "constant":
        model.graph.node.append(helper.make_node("Constant", [], ["c"], value=tensor))
    else:
        inner = helper.make_graph([], "inner", [], [], [tensor])
        model.graph.node.append(helper.make_node("If", ["ink"], ["c"], then_branch=inner))
    assert read_graph(model.SerializeToString()).not_a_number == ("w",)


def test_infinity_and_whole_numbers_are_no_fault():
    """Attention masks are made of minus infinity."""
    model = bars.graph()
    model.graph.initializer.append(numpy_helper.from_array(np.float32([np.inf, -np.inf]), "mask"))
    model.graph.initializer.append(numpy_helper.from_array(np.array([-1, 2**62]), "whole"))
    assert read_graph(model.SerializeToString()).not_a_number == ()


def test_weights_in_other_files_are_found():
    model = bars.graph()
    tensor = numpy_helper.from_array(np.zeros(4, np.float32), "outside")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")
    model.graph.initializer.append(tensor)
    assert read_graph(model.SerializeToString()).external == ("outside",)


def test_weights_that_lack_values_are_no_whole_file():
    model = bars.graph()
    model.graph.initializer[-1].raw_data = model.graph.initializer[-1].raw_data[:-4]
    with pytest.raises(GraphError, match="codepoint_of_class lacks values"):
        read_graph(model.SerializeToString())


def test_operators_of_others_are_named():
    model = bars.graph()
    model.graph.node.append(helper.make_node("Own", ["ink"], ["c"], domain="org.example"))
    assert read_graph(model.SerializeToString()).domains == {"", "org.example"}


def test_the_alphabet_is_found_through_casts():
    model = bars.graph(fault=Fault(table=(0, 66, 67)))
    last = next(node for node in model.graph.node if "codepoints" in node.output)
    last.output[0] = "wide"
    model.graph.node.append(helper.make_node("Cast", ["wide"], ["codepoints"], to=6))
    assert read_graph(model.SerializeToString()).alphabet == (0, 66, 67)
