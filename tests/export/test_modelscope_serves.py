"""Exported ModelScope recognisers on the real embedded server: served, published, used as arms.

Their weights are random, so the truth of every line is what the independent implementation reads.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import modelscope_reference as reference
import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from ocr_client import OCRClient, OCRError
from ocr_client.config import ClientConfig, ModelRouting, TritonSettings
from ocr_client.control import Endpoint
from ocr_client.transport import TritonTransport
from ocr_client.versions import checks
from ocr_client.versions.errors import RefusedError
from ocr_client.versions.fleet import Fleet
from ocr_client.versions.golden import GoldenSet
from ocr_client.versions.places import Repository
from ocr_client.versions.serve import Standard, publish
from ocr_client.versions.site import Site
from ocr_export import alphabet
from ocr_export.cli import app
from ocr_export.config_pbtxt import config_text
from ocr_export.parity import drawn_lines
from ocr_export.repository import Version, read_meta
from ocr_preprocessing.spec import LineSpec
from ocr_rollout.core.routing import Arm
from ocr_server import EmbeddedTriton, Ports
from ocr_server.conformance import check_repository

pytestmark = [pytest.mark.torch, pytest.mark.slow]

NAMES = ["CRNN", "ConvNextViT"]


def make_lines() -> list[np.ndarray]:
    """Drawn text, and noise: a square, a line of one width, one five times too long."""
    random = np.random.default_rng(3)
    sizes = [(40, 40), (32, 640), (48, 6000)]
    return [*drawn_lines()[:3], *(random.integers(0, 256, size, np.uint8) for size in sizes)]


LINES = make_lines()


@dataclasses.dataclass(frozen=True)
class Exported:
    """A version by `ocrctl export modelscope`, and what the reference says of its weights.

    labels, sure: (lines, T), the best class of every step and its probability. image: of a line.
    """

    recognizer: str
    folder: Path
    image: Path
    version: Version
    labels: np.ndarray
    sure: np.ndarray

    @property
    def arm(self) -> Arm:
        return Arm(self.version.name, self.version.number)

    @property
    def texts(self) -> list[str]:
        return [reference.read(self.recognizer, line) for line in self.labels.tolist()]


def call(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def export(root: Path, recognizer: str, to: Path) -> Exported:
    prepared = np.concatenate([reference.prepared(line, recognizer) for line in LINES])
    state = reference.random_state(recognizer, seed=3)
    steps = reference.features(recognizer, state, prepared)
    reference.sharpen(recognizer, state, steps)
    logits = reference.classify(recognizer, state, steps)
    best, second = logits.topk(2, dim=2).values.unbind(2)
    assert (best - second).min() > 2e-4, "no answer may hang on how a runtime rounds"
    folder = reference.write_folder(root / recognizer, recognizer, state)
    image = root / f"{recognizer}.png"
    Image.fromarray(LINES[1]).save(image)
    result = call("modelscope", folder, "--to", to, "--image", image, "--json")
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    assert facts["equal"]
    assert facts["directory"] == str(to)
    sure = torch.softmax(logits, dim=2).amax(dim=2).numpy()
    labels = logits.argmax(dim=2).numpy()
    return Exported(recognizer, folder, image, Version.at(to), labels, sure)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Exported]:
    """ConvNextViT into a repository to be served, CRNN beside it, to be published."""
    root = tmp_path_factory.mktemp("modelscope")
    return {
        "ConvNextViT": export(root, "ConvNextViT", root / "models/convnext_modelscope/1"),
        "CRNN": export(root, "CRNN", root / "new/crnn_modelscope/1"),
    }


@pytest.fixture(scope="module", params=NAMES)
def one(request, exported) -> Exported:
    return exported[request.param]


@pytest.fixture(scope="module")
def repository(exported) -> Path:
    return exported["ConvNextViT"].version.directory.parent.parent


@pytest.fixture(scope="module")
def server(repository):
    with EmbeddedTriton(repository, ports=Ports(0, 0, 0)) as triton:
        yield triton


@pytest.fixture(scope="module")
def site(repository, server) -> Site:
    endpoint = Endpoint(server.http_url, server.grpc_url, server.control_key)
    return Site(Repository.at(repository), Fleet((endpoint,)))


@pytest.fixture(scope="module")
def refusal(exported, site, tmp_path_factory) -> RefusedError:
    """What publishing says, before it succeeds, of lines with another text than CRNN reads."""
    crnn = exported["CRNN"]
    texts = ["A", "Total 128.50", "The quick brown fox"]
    golden = write_golden(tmp_path_factory.mktemp("other"), LINES[:3], texts)
    with pytest.raises(RefusedError) as caught:
        publish(site, crnn.version.name, crnn.version.directory, Standard(golden))
    return caught.value


@pytest.fixture(scope="module")
def published(exported, server, site, refusal, tmp_path_factory) -> OCRClient:
    """A client of the server, on which both are ready by now."""
    crnn = exported["CRNN"]
    golden = write_golden(tmp_path_factory.mktemp("golden"), LINES, crnn.texts)
    ready = publish(site, crnn.version.name, crnn.version.directory, Standard(golden))
    assert (ready.arm, ready.cer) == (crnn.arm, 0.0)
    stable = exported["ConvNextViT"].arm
    routing = ModelRouting(stable=stable, candidate=crnn.arm, candidate_weight_bp=5_000)
    with OCRClient(ClientConfig(routing, TritonSettings(urls=(server.http_url,)))) as client:
        yield client


def write_golden(folder: Path, images: list[np.ndarray], texts: list[str]) -> GoldenSet:
    rows = ["file\ttext"]
    for number, (image, text) in enumerate(zip(images, texts, strict=True)):
        Image.fromarray(image).save(folder / f"{number}.png")
        rows.append(f"{number}.png\t{text}")
    (folder / "labels.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return GoldenSet.read(folder)


def test_configuration_asks_for_the_published_preprocessing(one):
    """Written from the one spec: the width fixed, the model's own name."""
    width = reference.WIDTH[one.recognizer]
    spec = LineSpec(32, "bilinear", (width,), 0, 4)
    text = one.version.config.read_text()
    assert text == config_text(one.version.name, (1,), spec, verb="modelscope")
    assert f"dims: [ 1, 32, {width} ]" in text
    assert text.count(f"dims: [ {width // 4} ]") == 2


def test_meta_says_what_it_is_and_where_from(one):
    """Architecture, configuration, alphabet, digests of the files it was made from."""
    meta = read_meta(one.version)
    assert (meta["model"], meta["arch"]) == (one.version.name, reference.NAME[one.recognizer])
    width = reference.WIDTH[one.recognizer]
    assert meta["config"] == {"recognizer": one.recognizer, "width": width, "classes": 7644}
    assert meta["parameters"] > 11_000_000
    assert meta["training"]["source"] == "ModelScope"
    assert meta["alphabet_sha256"] != alphabet.digest()


def test_version_is_fit_by_the_publishers_rules(one):
    """Opset, IR, one file, an alphabet of 7,644 that is the vocabulary, the load rules of Triton."""
    meta = read_meta(one.version)
    facts = checks.read_facts(one.version.model, meta, sha256=meta["sha256"])
    assert checks.problems(facts, one.version.config.read_text()) == ()
    assert facts.graph.alphabet is not None
    assert len(facts.graph.alphabet) == 7644
    assert facts.graph.alphabet[reference.FIRST_LABEL[one.recognizer]] == 0x4E00
    assert check_repository(one.version.directory.parent.parent) == []


def test_graph_equals_the_independent_implementation(one):
    """Code points at every step, and the probability of the best class."""
    session = onnxruntime.InferenceSession(one.version.model.read_bytes())
    steps = reference.WIDTH[one.recognizer] // 4
    assert [x.shape for x in session.get_outputs()] == [["N", steps]] * 2
    image = np.concatenate([reference.prepared(line, one.recognizer) for line in LINES])
    codes, sure = session.run(["codepoints", "confidence"], {"image": image})
    first = reference.FIRST_LABEL[one.recognizer]
    nameless = np.where(one.labels == 0, 0, 0xFFFD)
    assert np.array_equal(
        codes, np.where(one.labels < first, nameless, one.labels - first + 0x4E00)
    )
    assert np.abs(sure - one.sure).max() < 1e-4


def test_check_compares_with_the_folder(one):
    """`ocrctl export check` takes the folder where a checkpoint stands otherwise."""
    version, folder = one.version.directory, one.folder
    result = call("check", version, "--checkpoint", folder, "--image", one.image)
    assert result.exit_code == 0, result.output
    assert "0 of" in result.stdout


def test_second_recogniser_is_no_version_of_the_first(exported):
    """CRNN under the name of ConvNextViT: another preprocessing, refused before the work."""
    crnn, other = exported["CRNN"], exported["ConvNextViT"].version.directory.parent / "2"
    result = call("modelscope", crnn.folder, "--to", other)
    assert result.exit_code == 1
    assert "a changed spec needs another model name" in result.stderr
    assert not other.exists()


@pytest.mark.server
def test_golden_lines_decide_about_an_import_too(refusal):
    """One that reads something else than what stands there is not served."""
    assert "crnn_modelscope:1" in str(refusal)
    assert "the limit is 20.0%" in str(refusal)


@pytest.mark.server
def test_an_arm_reads_what_the_network_says(published, one):
    """Through preprocessing, HTTP, Triton and decoding: the very text, on every line."""
    for line, text in zip(LINES, one.texts, strict=True):
        result = published.recognize(line, arm=one.arm)
        assert result.text == text
        assert (result.arm, result.fell_back) == (one.arm, False)
        assert all(0 <= c.left <= c.right <= line.shape[1] for c in result.characters)
    assert len({*one.texts}) == len(LINES), "every line reads differently"
    assert len({*"".join(one.texts)}) > 40, "weights that answer one class would prove nothing"


@pytest.mark.server
def test_a_ratio_shares_traffic_between_them(published, exported):
    """Stable and candidate of one rollout."""
    both = {exported[name].arm: exported[name].texts[0] for name in NAMES}
    seen = set()
    for user in range(12):
        result = published.recognize(LINES[0], user_id=f"u{user}")
        assert result.fell_back is False
        assert result.text == both[result.arm]
        seen.add(result.arm)
    assert seen == set(both)


@pytest.mark.server
def test_another_width_is_refused_by_triton(published, server, one):
    """The configuration fixes it, so no graph is run on what it cannot take."""
    transport = TritonTransport((server.http_url,), connect_timeout_s=5.0)
    image = np.zeros((1, 1, 32, 320), np.uint8)
    try:
        with pytest.raises(OCRError, match=r"1,1,32,320|\[1,32,320\]"):
            transport.infer(one.arm, image, timeout_s=10.0, request_id="narrow")
    finally:
        transport.close()
