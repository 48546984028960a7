"""What export writes is what Triton accepts: by the rules of its native backend, and by itself."""

from __future__ import annotations

import json
from urllib.request import Request, urlopen

import numpy as np
import onnxruntime
import pytest
import tritonclient.http as triton_http
from tritonclient.utils import InferenceServerException

from ocr_export.repository import write_untrained
from ocr_preprocessing.spec import LineSpec
from ocr_server import EmbeddedTriton, Ports
from ocr_server.conformance import check, check_repository

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write_untrained(tmp_path_factory.mktemp("exported") / "models")


@pytest.fixture(scope="module")
def server(written):
    repository = written["crnn"].directory.parent.parent
    with EmbeddedTriton(repository, ports=Ports(0, 0, 0)) as server:
        yield server


@pytest.fixture
def client(server):
    client = triton_http.InferenceServerClient(server.http_url)
    yield client
    client.close()


def infer(client, name, lines, version="1"):
    tensor = triton_http.InferInput("image", list(lines.shape), "UINT8")
    tensor.set_data_from_numpy(lines)
    answer = client.infer(name, [tensor], model_version=version)
    return answer.as_numpy("codepoints"), answer.as_numpy("confidence")


def test_written_repository_conforms(written):
    """Nothing that the container's native backend would refuse."""
    assert check_repository(written["crnn"].directory.parent.parent) == []


WRONG = [
    # what, in the config, replaced by
    ("output type", "TYPE_FP32", "TYPE_FP16"),
    ("output name", "confidence", "certainty"),
    ("input type", "TYPE_UINT8 dims: [ 1, 32, -1 ] }\n]", "TYPE_FP32 dims: [ 1, 32, -1 ] }\n]"),
    ("input rows", "dims: [ 1, 32, -1 ] }\n]", "dims: [ 1, 48, -1 ] }\n]"),
    (
        "output dims",
        'name: "codepoints" data_type: TYPE_INT32 dims: [ -1 ]',
        'name: "codepoints" data_type: TYPE_INT32 dims: [ 80 ]',
    ),
]


@pytest.mark.parametrize(("old", "new"), [c[1:] for c in WRONG], ids=[c[0] for c in WRONG])
def test_conformance_catches_a_config_that_does_not_fit(written, old, new):
    """One wrong word each."""
    text = written["crnn"].config.read_text()
    assert old in text
    assert check(text.replace(old, new), written["crnn"].model)


@pytest.mark.server
@pytest.mark.parametrize("name", ["crnn", "convnext"])
def test_triton_answers_what_the_file_says(client, written, name):
    """Single lines and batches, narrow and wide, equal to ONNX Runtime here."""
    session = onnxruntime.InferenceSession(written[name].model.read_bytes())
    random = np.random.default_rng(0)
    for batch, width in ((1, 96), (3, 320), (16, 1024)):
        lines = random.integers(0, 256, (batch, 1, 32, width), dtype=np.uint8)
        codes, confidence = infer(client, name, lines)
        expected_codes, expected_confidence = session.run(None, {"image": lines})
        assert codes.dtype == np.int32
        assert np.array_equal(codes, expected_codes)
        assert np.abs(confidence - expected_confidence).max() < 1e-3


@pytest.mark.server
def test_spec_is_read_back_from_triton(client):
    """A client needs nothing but the server's address."""
    config = client.get_model_config("crnn", "1")
    parameters = {key: value["string_value"] for key, value in config["parameters"].items()}
    assert LineSpec.from_parameters(parameters) == LineSpec()
    assert config["max_batch_size"] == 16
    assert config["version_policy"] == {"specific": {"versions": [1]}}
    assert "dynamic_batching" not in config, "it holds requests for 500 ms now and then"


@pytest.mark.server
def test_warm_up_ran_every_shape(server):
    """Each warm-up sample was executed at load: Triton counts them as no inference of ours."""
    url = f"http://{server.http_url}/v2/models/crnn/config"
    with urlopen(Request(url)) as answer:
        names = [sample["name"] for sample in json.load(answer)["model_warmup"]]
    assert names == ["1x96", "1x384", "1x1024", "16x384"]


@pytest.mark.server
def test_seventeen_lines_are_too_many(client):
    """max_batch_size is kept by Triton, not by the caller."""
    with pytest.raises(InferenceServerException, match="batch-size must be <= 16"):
        infer(client, "crnn", np.zeros((17, 1, 32, 96), np.uint8))
