"""Version directories: complete, never overwritten, and config.pbtxt from the one spec."""

from __future__ import annotations

import hashlib
import json

import pytest

from ocr_export import alphabet
from ocr_export.checkpoint import build
from ocr_export.config_pbtxt import Serving, config_text, read_parameters
from ocr_export.onnx_file import to_onnx
from ocr_export.repository import (
    UNTRAINED,
    RepositoryError,
    Version,
    read_meta,
    record_accuracy,
    write_untrained,
    write_version,
)
from ocr_preprocessing.spec import LineSpec

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def recogniser():
    config = {"classes": alphabet.class_count(), **UNTRAINED["crnn"]}
    return build("crnn", config, training={"lines": 128_000})


@pytest.fixture(scope="module")
def model(recogniser):
    return to_onnx(recogniser)


def test_version_directory_holds_the_model_and_its_provenance(tmp_path, recogniser, model):
    """Two files; meta.json names digest, size, architecture, alphabet and training."""
    version = write_version(
        tmp_path / "repo/crnn/1", recogniser, model, LineSpec(), accuracy={"print": 0.9}
    )
    assert sorted(x.name for x in version.directory.iterdir()) == ["meta.json", "model.onnx"]
    assert sorted(x.name for x in (tmp_path / "repo/crnn").iterdir()) == ["1", "config.pbtxt"]
    assert [x.name for x in (tmp_path / "repo").iterdir()] == ["crnn"]
    assert [x.name for x in tmp_path.iterdir()] == ["repo"], "nothing staged stays behind"
    meta = read_meta(version)
    assert meta["sha256"] == hashlib.sha256(version.model.read_bytes()).hexdigest()
    assert meta["bytes"] == version.model.stat().st_size
    assert (meta["model"], meta["version"], meta["arch"]) == ("crnn", 1, "crnn")
    assert meta["config"]["hidden"] == 16
    assert meta["alphabet_sha256"] == alphabet.digest()
    assert meta["training"] == {"lines": 128_000}
    assert meta["accuracy"] == {"print": 0.9}
    assert LineSpec.from_parameters(meta["spec"]) == LineSpec()
    for path in (version.directory, version.model, version.meta, version.config):
        assert path.stat().st_mode & 0o044 == 0o044, "the server's user must read it"


def test_existing_version_is_never_overwritten(tmp_path, recogniser, model):
    """Not even a half-written one."""
    (tmp_path / "crnn/1").mkdir(parents=True)
    with pytest.raises(RepositoryError, match="exists, and versions never change"):
        write_version(tmp_path / "crnn/1", recogniser, model, LineSpec())
    assert not list((tmp_path / "crnn/1").iterdir())


def test_second_version_leaves_the_configuration_alone(tmp_path, recogniser, model):
    """Which versions are served is published, not exported."""
    first = write_version(tmp_path / "repo/crnn/1", recogniser, model, LineSpec())
    text = first.config.read_text()
    write_version(tmp_path / "repo/crnn/2", recogniser, model, LineSpec())
    assert first.config.read_text() == text
    assert "versions: [ 1 ]" in text


def test_other_preprocessing_is_another_model_name(tmp_path, recogniser, model):
    """A changed spec under the same name is refused, and nothing is written."""
    write_version(tmp_path / "repo/crnn/1", recogniser, model, LineSpec())
    with pytest.raises(RepositoryError, match="another model name"):
        write_version(tmp_path / "repo/crnn/2", recogniser, model, LineSpec(stages="exact"))
    assert not (tmp_path / "repo/crnn/2").exists()


@pytest.mark.parametrize("path", ["crnn", "crnn/v1", "crnn/0", "crnn/01", "crnn/-1", "crnn/１"])
def test_path_that_is_no_version_is_refused(tmp_path, path):
    """A version directory ends in a whole number from 1 on."""
    with pytest.raises(RepositoryError, match="a version directory is MODEL/NUMBER"):
        Version.at(tmp_path / path)


def test_damaged_model_is_noticed(tmp_path, recogniser, model):
    """The digest in meta.json is checked, and a missing file is named."""
    version = write_version(tmp_path / "repo/crnn/1", recogniser, model, LineSpec())
    version.model.write_bytes(model[:-1])
    with pytest.raises(RepositoryError, match="changed or damaged"):
        read_meta(version)
    version.model.unlink()
    with pytest.raises(RepositoryError, match=r"model\.onnx: missing"):
        read_meta(version)


def test_accuracy_is_recorded_without_touching_the_rest(tmp_path, recogniser, model):
    """Scores come after serving; every other fact stays."""
    version = write_version(tmp_path / "repo/crnn/1", recogniser, model, LineSpec())
    before = read_meta(version)
    record_accuracy(version, {"all": {"cer": 0.1}})
    assert read_meta(version) == before | {"accuracy": {"all": {"cer": 0.1}}}
    assert sorted(x.name for x in version.directory.iterdir()) == ["meta.json", "model.onnx"]


def test_untrained_repository_is_the_same_each_time(tmp_path):
    """Both models, with a real configuration; the seed decides the nonsense."""
    one = write_untrained(tmp_path / "a")
    two = write_untrained(tmp_path / "b")
    other = write_untrained(tmp_path / "c", seed=1)
    assert sorted(one) == ["convnext", "crnn"]
    for name, version in one.items():
        assert version.model.read_bytes() == two[name].model.read_bytes()
        assert version.model.read_bytes() != other[name].model.read_bytes()
        assert json.loads(version.meta.read_text())["training"]["untrained"] is True


@pytest.mark.parametrize(
    "spec",
    [
        LineSpec(),
        LineSpec(stages="exact", width_buckets=(320,), pad_value=255),
    ],
)
def test_config_carries_the_spec(spec):
    """What export wrote is what the client reads."""
    text = config_text("crnn", (1, 3), spec)
    assert LineSpec.from_parameters(read_parameters(text)) == spec
    assert "versions: [ 1, 3 ]" in text
    for width in {spec.width_buckets[0], spec.width_buckets[-1]}:
        assert f"dims: [ 1, 32, {width} ]" in text


def test_config_carries_the_serving_choices():
    """Threads, instances and batch size come from one record."""
    serving = Serving(8, instances=2, threads=3)
    text = config_text("m", (1,), LineSpec(), serving)
    assert read_parameters(text)["intra_op_thread_count"] == "3"
    for part in (
        "max_batch_size: 8",
        "count: 2",
        "batch_size: 8",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("name", "versions"), [("a b", (1,)), ("../x", (1,)), ("m", ()), ("m", (0,))]
)
def test_config_refuses_names_and_versions_that_cannot_be(name, versions):
    """Before a server chokes on them."""
    with pytest.raises(ValueError, match=r"model name|versions"):
        config_text(name, versions, LineSpec())
