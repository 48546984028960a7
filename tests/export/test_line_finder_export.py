"""A line finder as a version that servers load: the graph says what the network says."""

import dataclasses
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra [export] is not installed")

from typer.testing import CliRunner

from ocr_export.checkpoint import CheckpointError
from ocr_export.cli import app
from ocr_export.config_pbtxt import finder_config_text
from ocr_export.finder_export import (
    TOLERANCE,
    FinderModel,
    drawn_pages,
    export_finder,
    finder_to_onnx,
    largest_difference,
    load_finder,
)
from ocr_export.line_finder import LineFinder, LineFinderConfig
from ocr_export.repository import RepositoryError, Version, read_meta
from ocr_preprocessing.finder_spec import FinderSpec
from ocr_server.conformance import check_repository

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    torch.manual_seed(1)
    config = LineFinderConfig((8, 8, 16, 16), (1, 1, 1, 1), 8)
    network = LineFinder(config)
    path = tmp_path_factory.mktemp("finder") / "ema.pt"
    content = {
        "arch": "line_finder",
        "config": dataclasses.asdict(config),
        "model": {name: value.half() if value.is_floating_point() else value
                  for name, value in network.state_dict().items()},
        "training": {"untrained": True},
    }  # fmt: skip
    torch.save(content, path)
    return path


def test_the_version_conforms_and_its_meta_is_true(checkpoint, tmp_path):
    version = export_finder(checkpoint, tmp_path / "models/line_finder/1")
    assert check_repository(tmp_path / "models") == []
    meta = read_meta(version)
    assert (meta["model"], meta["version"], meta["arch"]) == ("line_finder", 1, "line_finder")
    assert meta["training"] == {"untrained": True}
    assert FinderSpec.from_parameters(meta["spec"]) == FinderSpec()
    assert version.config.read_text() == finder_config_text("line_finder", (1,), FinderSpec())
    with pytest.raises(RepositoryError, match="versions never change"):
        export_finder(checkpoint, version.directory)


def test_maps_are_those_of_torch_at_any_size(checkpoint):
    finder = load_finder(checkpoint)
    assert largest_difference(finder, finder_to_onnx(finder), drawn_pages()) <= TOLERANCE


def test_a_graph_of_other_weights_is_noticed(checkpoint):
    """The comparison can fail."""
    finder = load_finder(checkpoint)
    other = FinderModel(LineFinder(finder.config).eval(), finder.config, {})
    assert largest_difference(other, finder_to_onnx(finder), drawn_pages()) > TOLERANCE


def test_a_recogniser_s_checkpoint_is_refused(tmp_path):
    torch.save({"arch": "crnn", "config": {}, "model": {}}, tmp_path / "ema.pt")
    with pytest.raises(CheckpointError, match="ocrctl export onnx"):
        load_finder(tmp_path / "ema.pt")


def test_the_verb_prints_what_was_written(checkpoint, tmp_path):
    to = tmp_path / "models/line_finder/1"
    result = CliRunner().invoke(app, ["finder", str(checkpoint), "--to", str(to), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.output)["bytes"] == Version.at(to).model.stat().st_size


def test_bytes_are_the_same_for_the_same_checkpoint(checkpoint):
    finder = load_finder(checkpoint)
    one, other = finder_to_onnx(finder), finder_to_onnx(finder)
    assert np.array_equal(np.frombuffer(one, np.uint8), np.frombuffer(other, np.uint8))
