"""A version becomes ready for traffic, or nothing has changed: on the real embedded server."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import bars
import pytest
from bars import Fault

from ocr_client import OCRClient
from ocr_client.config import ClientConfig, TritonSettings
from ocr_client.control import Endpoint
from ocr_client.versions.errors import (
    BusyError,
    EndpointDownError,
    KeyRefusedError,
    RefusedError,
    RepositoryError,
    VersionsError,
)
from ocr_client.versions.fleet import Fleet
from ocr_client.versions.golden import GoldenSet, Tolerance
from ocr_client.versions.lock import exclusive
from ocr_client.versions.places import arm_of, model_name, version_number
from ocr_client.versions.retiring import retire
from ocr_client.versions.serve import Standard, activate, publish
from ocr_rollout.core.routing import Arm

pytestmark = pytest.mark.server


def states(site, model="crnn"):
    """Version -> state, of those that are more than a memory."""
    index = site.fleet.index(site.fleet.endpoints[0], model)
    return {number: state.state for number, state in index.items() if state.state != "UNAVAILABLE"}


@pytest.fixture
def narrow_umask():
    before = os.umask(0o077)
    yield
    os.umask(before)


def free():
    return ()


def new_version(tmp_path, version=2, fault=bars.SOUND, name="crnn"):
    return bars.write_version(tmp_path / "new", name, version=version, fault=fault)


def test_published_version_is_read_from_at_once(site, standard, tmp_path):
    """It answers by its own number, its neighbour goes on, and config.pbtxt says so."""
    ready = publish(site, "crnn", new_version(tmp_path), standard)
    assert (ready.arm, ready.cer, len(ready.endpoints)) == (Arm("crnn", 2), 0.0, 1)
    assert states(site) == {1: "READY", 2: "READY"}
    text = (site.repository.root / "crnn/config.pbtxt").read_text()
    assert text == bars.config_text("crnn", (1, 2))
    with OCRClient(ClientConfig(triton=TritonSettings(urls=ready.endpoints))) as client:
        result = client.recognize(bars.line(7), arm="crnn:2")
        assert (result.text, round(result.confidence, 4)) == ("IIIIIII", 0.998)
        assert round(client.recognize(bars.line(7), arm="crnn:1").confidence, 4) == 0.999
    event = site.history.last(ready.arm)
    assert event.verb == "publish"
    assert event.facts["sha256"] == ready.sha256
    assert not site.repository.stage.exists() or not list(site.repository.stage.iterdir())
    assert site.journal.read() is None
    retire(site, ready.arm, free)


def test_the_servers_user_can_read_it(site, standard, tmp_path, narrow_umask):
    """The container runs as user 1000, whoever publishes."""
    ready = publish(site, "crnn", new_version(tmp_path, 11), standard, version=11)
    folder = site.repository.version(ready.arm)
    modes = [path.stat().st_mode & 0o777 for path in (folder.path, folder.model, folder.meta)]
    assert modes == [0o755, 0o644, 0o644]
    assert site.repository.model("crnn").config.stat().st_mode & 0o777 == 0o644
    retire(site, ready.arm, free)


def test_neighbours_are_not_loaded_anew(site, served, standard, tmp_path):
    """Publishing and retiring keep the other version's process: its memory stays warm."""
    before = stubs(served[1])
    ready = publish(site, "crnn", new_version(tmp_path, 3), standard, version=30)
    assert before < stubs(served[1])
    retire(site, ready.arm, free)
    assert stubs(served[1]) == before


def stubs(triton):
    """Process ids of the versions' stubs (others are children that compile nothing)."""
    children = Path(f"/proc/{triton.server.triton_pid}/task").glob("*/children")
    pids = {int(pid) for path in children for pid in path.read_text().split()}
    return {
        pid
        for pid in pids
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    }


BROKEN = {
    "wrong output name": (Fault(output="certainty"), "unexpected inference output 'confidence'"),
    "other alphabet": (Fault(table=(0, ord("J"))), "alphabet is not that of crnn:1"),
    "no blank": (Fault(table=(ord("I"), 0)), "first class of its alphabet is not 0"),
    "NaN weights": (Fault(nan=True), "weights hold not-a-number: mark"),
    "NaN answers": (Fault(zero_by_zero=True), "confidence holds values outside 0..1"),
    "reads wrongly": (Fault(blind=True), "the limit is 20.0%"),
    "opset too new": (Fault(opset=22), "opset 22: ONNX Runtime 1.19"),
    "opset too old": (Fault(opset=6), "opset 6"),
    "IR too new": (Fault(ir_version=11), "IR version 11: ONNX Runtime 1.19 loads up to 10"),
    "unknown operator": (Fault(operator="Frobnicate"), "Frobnicate"),
}


@pytest.mark.parametrize(("fault", "reason"), BROKEN.values(), ids=BROKEN)
def test_broken_version_is_refused_with_the_reason(site, standard, tmp_path, fault, reason):
    """And nothing has changed: neither the files nor what is served."""
    before, folder = bars.tree(site.repository.root), new_version(tmp_path, fault=fault)
    with pytest.raises(VersionsError, match=reason) as error:
        publish(site, "crnn", folder, standard)
    assert "\n" not in str(error.value)
    assert bars.tree(site.repository.root) == before
    assert states(site) == {1: "READY"}
    assert site.journal.read() is None


def test_truncated_file_is_refused(site, standard, tmp_path):
    """With its old digest beside it, and with none."""
    folder = new_version(tmp_path)
    whole = (folder / "model.onnx").read_bytes()
    before = bars.tree(site.repository.root)
    for size in (len(whole) - 1, len(whole) // 2, 10, 0):
        (folder / "model.onnx").write_bytes(whole[:size])
        with pytest.raises(VersionsError, match=r"not a whole ONNX file|not an ONNX file|damaged"):
            publish(site, "crnn", folder, standard)
    (folder / "meta.json").unlink()
    with pytest.raises(RefusedError, match="not an ONNX file"):
        publish(site, "crnn", folder, standard)
    assert bars.tree(site.repository.root) == before


def test_changed_byte_is_refused_by_the_digest(site, standard, tmp_path):
    folder = new_version(tmp_path)
    content = bytearray((folder / "model.onnx").read_bytes())
    at = content.index(b"bars")
    content[at : at + 4] = b"rabs"
    (folder / "model.onnx").write_bytes(content)
    with pytest.raises(RefusedError, match=r"meta.json says"):
        publish(site, "crnn", folder, standard)


def test_worse_than_production_is_refused_below_the_limit(site, golden, tmp_path):
    """The shipped margin: 5 points. The new one reads every line wrong, so the limit is set to 1000 %."""
    loose = Standard(GoldenSet.read(golden), Tolerance(limit=10.0))
    with pytest.raises(RefusedError, match=r"crnn:1 has 0.0%, so at most 5.0% is accepted"):
        publish(site, "crnn", new_version(tmp_path, fault=Fault(blind=True)), loose)


def test_golden_image_that_cannot_be_read_is_not_the_versions_fault(site, golden, tmp_path):
    """Told before anything is copied."""
    folder = bars.copy(golden, tmp_path / "own")
    (folder / "4.png").write_bytes(b"no image")
    before = bars.tree(site.repository.root)
    with pytest.raises(RepositoryError, match=r"golden lines: .*4\.png"):
        publish(site, "crnn", new_version(tmp_path), Standard(GoldenSet.read(folder)))
    assert bars.tree(site.repository.root) == before


def test_other_preprocessing_needs_another_name(site, standard, tmp_path):
    folder = new_version(tmp_path)
    spec = {
        "ocr_height": "48",
        "ocr_stages": "fast",
        "ocr_width_buckets": "96",
        "ocr_pad_value": "0",
        "ocr_stride": "4",
    }
    bars.write_meta(folder, spec=spec)
    with pytest.raises(RefusedError, match="another model name"):
        publish(site, "crnn", folder, standard)


def test_version_of_another_model_is_refused(site, standard, tmp_path):
    with pytest.raises(RefusedError, match="version of convnext"):
        publish(site, "crnn", new_version(tmp_path, name="convnext"), standard)


def test_the_same_file_twice_is_refused(site, standard, tmp_path):
    with pytest.raises(RefusedError, match="crnn:1 is this very file"):
        publish(site, "crnn", new_version(tmp_path, version=1), standard)


def test_a_kept_file_is_activated_and_not_published_again(site, standard, tmp_path):
    folder = new_version(tmp_path, 12)
    ready = publish(site, "crnn", folder, standard, version=12)
    retire(site, ready.arm, free, keep=True)
    with pytest.raises(RefusedError, match="crnn:12 was this very file and is kept"):
        publish(site, "crnn", folder, standard)
    activate(site, ready.arm, standard)
    retire(site, ready.arm, free)


def test_numbers_are_never_used_again(site, standard, tmp_path):
    """Not while they are there, not after: an answer's version must always mean one file."""
    folder = new_version(tmp_path, 7)
    with pytest.raises(RepositoryError, match="exists or existed"):
        publish(site, "crnn", folder, standard, version=1)
    ready = publish(site, "crnn", folder, standard, version=70)
    retire(site, ready.arm, free)
    with pytest.raises(RepositoryError, match=r"crnn:70 exists or existed.* 71"):
        publish(site, "crnn", folder, standard, version=70)


@pytest.mark.parametrize("text", ["0", "01", "-1", "1.0", "", "../1", "1/2", " 1", "²", "9" * 10])
def test_what_is_no_version_is_refused(text):
    with pytest.raises(VersionsError, match="is no version"):
        version_number(text)


@pytest.mark.parametrize(
    "text", ["../crnn", "a/b", "", ".", "..", "/etc", "crnn ", "crnn:1", "c\n"]
)
def test_what_is_no_model_name_is_refused(text):
    with pytest.raises(VersionsError, match="is no model name"):
        model_name(text)
    with pytest.raises(VersionsError, match=r"MODEL:VERSION|is no model name"):
        arm_of(text if ":" not in text else "crnn")


def test_missing_file_is_said(site, standard, tmp_path):
    with pytest.raises(RepositoryError, match=r"model\.onnx: no such file"):
        publish(site, "crnn", tmp_path / "nothing", standard)


def test_wrong_key_changes_nothing(site, standard, tmp_path):
    """Seen before anything is copied."""
    endpoint = dataclasses.replace(site.fleet.endpoints[0], key="wrong")
    stranger = dataclasses.replace(site, fleet=Fleet((endpoint,)))
    before = bars.tree(site.repository.root)
    with pytest.raises(KeyRefusedError, match="--key-file"):
        publish(stranger, "crnn", new_version(tmp_path), standard)
    assert bars.tree(site.repository.root) == before


def test_every_endpoint_must_answer(site, standard, tmp_path):
    """One that is down is told before anything is copied."""
    dead = Endpoint("127.0.0.1:1", "127.0.0.1:1")
    both = dataclasses.replace(site, fleet=Fleet((*site.fleet.endpoints, dead)))
    with pytest.raises(EndpointDownError, match=r"127\.0\.0\.1:1"):
        publish(both, "crnn", new_version(tmp_path), standard)
    with pytest.raises(EndpointDownError, match="ocrctl server up"):
        publish(dataclasses.replace(site, fleet=Fleet(())), "crnn", tmp_path, standard)
    assert states(site) == {1: "READY"}


def test_second_command_is_refused_or_waits(site, standard, tmp_path):
    """The message says who has it; the lock goes with its holder."""
    folder = new_version(tmp_path)
    with exclusive(site.repository, "publish crnn"):
        with pytest.raises(BusyError, match=r"publish crnn, process \d+"):
            publish(site, "crnn", folder, standard)
        with pytest.raises(BusyError):
            publish(dataclasses.replace(site, wait_s=0.2), "crnn", folder, standard)
    with exclusive(site.repository, "publish crnn"):
        pass


def test_new_model_brings_its_configuration(site, standard, tmp_path):
    """And leaves with its last version, as if it had never been there."""
    before = bars.tree(site.repository.root)
    bars.write_version(tmp_path / "third/1", "third", version=9)
    with pytest.raises(RepositoryError, match="new here"):
        publish(site, "third", tmp_path / "third/1", standard)
    (tmp_path / "third/config.pbtxt").write_text(bars.config_text("third", (1,)))
    ready = publish(site, "third", tmp_path / "third/1/model.onnx", standard)
    assert states(site, "third") == {1: "READY"}
    retire(site, ready.arm, free, keep=True)
    assert states(site, "third") == {}
    assert bars.tree(site.repository.root) == before
    activate(site, ready.arm, standard)
    assert states(site, "third") == {1: "READY"}
    retire(site, ready.arm, free)
    assert bars.tree(site.repository.root) == before


def test_broken_new_model_leaves_no_trace(site, standard, tmp_path):
    before = bars.tree(site.repository.root)
    bars.write_version(tmp_path / "fourth/1", "fourth", fault=Fault(blind=True))
    (tmp_path / "fourth/config.pbtxt").write_text(bars.config_text("fourth", (1,)))
    with pytest.raises(RefusedError, match="limit"):
        publish(site, "fourth", tmp_path / "fourth/1", standard)
    assert bars.tree(site.repository.root) == before
    assert not (site.repository.root / "fourth").exists()
    assert states(site, "fourth") == {}


def test_export_writes_into_the_repository_and_activate_serves_it(site, standard):
    """`ocrctl export onnx --to model_repository/crnn/5` lies there unlisted until it is proven."""
    place = site.repository.version(Arm("crnn", 5)).path
    bars.write_version(place, "crnn", version=5)
    ready = activate(site, Arm("crnn", 5), standard)
    assert states(site) == {1: "READY", 5: "READY"}
    with pytest.raises(RepositoryError, match="listed already"):
        activate(site, ready.arm, standard)
    retire(site, ready.arm, free)
    with pytest.raises(RepositoryError, match="there are: 1"):
        activate(site, ready.arm, standard)


def test_activate_refuses_a_broken_version_and_leaves_it_where_it_was(site, standard):
    place = site.repository.version(Arm("crnn", 6)).path
    bars.write_version(place, "crnn", version=6, fault=Fault(blind=True))
    before = bars.tree(site.repository.root)
    with pytest.raises(RefusedError, match="limit"):
        activate(site, Arm("crnn", 6), standard)
    assert bars.tree(site.repository.root) == before
    assert states(site) == {1: "READY"}
    retire(site, Arm("crnn", 6), free)
    assert not place.exists()
