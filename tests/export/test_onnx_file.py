"""The exported graph: its interface, its format, and that it says what the network says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from ocr_export import alphabet
from ocr_export.checkpoint import Recogniser, build
from ocr_export.onnx_file import MAX_IR, OPSET, to_onnx
from ocr_export.parity import Parity, compare, drawn_lines, tensors_of
from ocr_export.repository import UNTRAINED
from ocr_preprocessing.load import load_image
from ocr_preprocessing.spec import LineSpec

pytestmark = pytest.mark.torch

SAMPLES = sorted((Path(__file__).parent.parent.parent / "samples").glob("*.png"))


@pytest.fixture(scope="module", params=["crnn", "convnext"])
def recogniser(request) -> Recogniser:
    torch.manual_seed(1)
    recogniser = build(
        request.param, {"classes": alphabet.class_count(), **UNTRAINED[request.param]}
    )
    # Random weights answer one class everywhere; stronger ones make steps differ, as trained do.
    with torch.no_grad():
        for name, parameter in recogniser.network.named_parameters():
            parameter.mul_(5.0 if "sequence" in name else 1.0)
        recogniser.network.output.weight.mul_(40)
        recogniser.network.output.bias.zero_()
    return recogniser


@pytest.fixture(scope="module")
def model(recogniser) -> bytes:
    return to_onnx(recogniser)


def test_interface_is_uint8_lines_to_codepoints_and_confidence(model):
    """Names, types and dimensions are exactly what config.pbtxt declares."""
    session = onnxruntime.InferenceSession(model)
    facts = [(x.name, x.type, x.shape) for x in (*session.get_inputs(), *session.get_outputs())]
    assert facts == [
        ("image", "tensor(uint8)", ["N", 1, 32, "W"]),
        ("codepoints", "tensor(int32)", ["N", "T"]),
        ("confidence", "tensor(float)", ["N", "T"]),
    ]


def test_format_is_one_that_the_oldest_server_loads(model):
    """Opset 17 of the standard operators only, IR up to 10."""
    graph = onnx.load_from_string(model)
    assert graph.ir_version <= MAX_IR
    assert [(opset.domain, opset.version) for opset in graph.opset_import] == [("", OPSET)]


def test_same_weights_give_the_same_bytes(recogniser, model):
    """A digest in meta.json can be reproduced."""
    assert to_onnx(recogniser) == model


def test_no_path_of_this_machine_is_in_the_file(model):
    """Nodes carry no trace of the Python files they came from."""
    assert b".py" not in model
    assert b"site-packages" not in model


def test_agrees_with_torch_on_served_lines(recogniser, model):
    """Same code points, confidence within 1e-3, single lines and batches, every width."""
    lines = drawn_lines() + [load_image(path) for path in SAMPLES]
    tensors = tensors_of(lines, LineSpec())
    parity = compare(recogniser, model, tensors)
    assert parity.equal, parity
    assert parity.steps >= 1000
    session = onnxruntime.InferenceSession(model)
    read = [session.run(["codepoints"], {"image": tensor})[0].ravel() for tensor in tensors]
    assert len(np.unique(np.concatenate(read))) >= 5, "the comparison would be empty"


@pytest.mark.parametrize("batch", [1, 3, 16])
@pytest.mark.parametrize("width", [96, 128, 1024])
def test_batch_and_width_are_dynamic(model, batch, width):
    """T is W / 4 for every batch and width, and a line's answer does not depend on its batch."""
    session = onnxruntime.InferenceSession(model)
    lines = np.random.default_rng(0).integers(0, 256, (batch, 1, 32, width), dtype=np.uint8)
    codes, confidence = session.run(["codepoints", "confidence"], {"image": lines})
    assert codes.shape == confidence.shape == (batch, width // 4)
    alone, _ = session.run(["codepoints", "confidence"], {"image": lines[-1:]})
    assert np.array_equal(alone[0], codes[-1])


def test_codepoints_are_of_the_alphabet_or_blank(model):
    """The gather's table is the alphabet: nothing else can come out, confidence is a share."""
    lines = np.random.default_rng(0).integers(0, 256, (4, 1, 32, 320), dtype=np.uint8)
    codes, confidence = onnxruntime.InferenceSession(model).run(None, {"image": lines})
    assert set(codes.ravel().tolist()) <= {0, *map(ord, alphabet.characters())}
    assert 0 < confidence.min() <= confidence.max() <= 1


def test_forced_class_comes_out_as_its_character(recogniser):
    """Class k is alphabet character k - 1, and class 0 is code point 0."""
    forced = build(
        recogniser.arch, {"classes": alphabet.class_count(), **UNTRAINED[recogniser.arch]}
    )
    for index in (0, 1, alphabet.class_count() - 1):
        with torch.no_grad():
            forced.network.output.weight.zero_()
            forced.network.output.bias.zero_()
            forced.network.output.bias[index] = 30.0
        codes, confidence = onnxruntime.InferenceSession(to_onnx(forced)).run(
            None, {"image": np.zeros((1, 1, 32, 96), np.uint8)}
        )
        expected = ord(alphabet.characters()[index - 1]) if index else 0
        assert set(codes.ravel().tolist()) == {expected}
        assert confidence.min() > 0.999


def test_parity_notices_other_weights(recogniser):
    """The comparison is not blind: a changed network fails it."""
    changed = to_onnx(recogniser)
    other = build(
        recogniser.arch, {"classes": alphabet.class_count(), **UNTRAINED[recogniser.arch]}
    )
    with torch.no_grad():
        other.network.output.weight.mul_(-40)
    assert not compare(other, changed, tensors_of(drawn_lines(), LineSpec())).equal


def test_parity_notices_what_is_not_a_number(recogniser):
    """A confidence that is none on both sides is no agreement."""
    spoilt = build(
        recogniser.arch, {"classes": alphabet.class_count(), **UNTRAINED[recogniser.arch]}
    )
    with torch.no_grad():
        spoilt.network.output.bias.fill_(float("nan"))
    lines = tensors_of(drawn_lines(("A",)), LineSpec())
    assert not compare(spoilt, to_onnx(spoilt), lines).equal


def test_no_steps_compared_is_not_equal():
    """No data is never success."""
    assert not Parity(0, 0, 0, 0.0).equal
