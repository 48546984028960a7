"""The repository that is served: what it says about itself is true."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from ocr_export import alphabet
from ocr_export.config_pbtxt import config_text
from ocr_export.onnx_file import MAX_IR, OPSET
from ocr_export.repository import Version, read_meta
from ocr_preprocessing.spec import LineSpec
from ocr_server.conformance import check_repository

pytestmark = pytest.mark.torch


COMMITTED = Path(__file__).parents[2] / "model_repository"
VERSIONS = sorted(
    str(path.parent.relative_to(COMMITTED))
    for path in COMMITTED.glob("*/*/model.onnx")
    if path.parent.parent.name != "line_finder"  # in test_line_finder_export
)


@pytest.fixture(params=VERSIONS or ["crnn/1", "convnext/1"])
def version(repository: Path, request: pytest.FixtureRequest) -> Version:
    return Version.at(repository / request.param)


def test_repository_conforms(repository):
    """The container's native backend would load every version of it."""
    assert check_repository(repository) == []


def test_digest_and_alphabet_are_those_of_the_files(version):
    """read_meta compares the digest; the alphabet is the one in this checkout."""
    meta = read_meta(version)
    assert (meta["model"], meta["version"]) == (version.name, version.number)
    assert meta["alphabet_sha256"] == alphabet.digest()
    assert meta["bytes"] == version.model.stat().st_size
    assert meta["opset"] == OPSET
    assert meta["ir_version"] <= MAX_IR
    assert meta["training"], "every version says where it comes from"


def test_configuration_is_written_from_the_spec_in_meta(version):
    """Never by hand: preprocessing of training, export and serving is one record."""
    spec = LineSpec.from_parameters(read_meta(version)["spec"])
    numbers = sorted(int(path.parent.name) for path in version.config.parent.glob("*/model.onnx"))
    assert version.config.read_text() == config_text(version.name, tuple(numbers), spec)


def test_output_steps_follow_the_stride_in_the_spec(version):
    """T = W / stride for every width bucket, which joining windows relies on."""
    spec = LineSpec.from_parameters(read_meta(version)["spec"])
    session = onnxruntime.InferenceSession(version.model.read_bytes())
    for width in (spec.width_buckets[0], spec.width_buckets[-1]):
        lines = np.full((1, 1, spec.height, width), spec.pad_value, np.uint8)
        codes, _ = session.run(["codepoints", "confidence"], {"image": lines})
        assert codes.shape == (1, width // spec.stride)
