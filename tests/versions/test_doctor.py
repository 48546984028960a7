"""Every fault is found, and gone after the advice was followed."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import bars
import pytest

from ocr_client.config import ClientConfig, ModelRouting, StoreSettings, TritonSettings
from ocr_client.control import Endpoint
from ocr_client.versions.doctor import examine, machine
from ocr_client.versions.fleet import Fleet
from ocr_client.versions.journal import Transaction
from ocr_client.versions.retiring import retire
from ocr_client.versions.serve import publish
from ocr_rollout.core.routing import Arm

pytestmark = pytest.mark.server
# What other work on this machine may bring about at any moment.
MACHINE = {"memory", "disk"}


@pytest.fixture
def config(site) -> ClientConfig:
    return ClientConfig(
        ModelRouting(crnn_enabled=False, stable=bars.STABLE, candidate=bars.CANDIDATE),
        TritonSettings(urls=(site.fleet.endpoints[0].http,)),
    )


@pytest.fixture
def config_file(config, tmp_path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(
        f"model_routing: {{crnn_enabled: false}}\ntriton: {{urls: ['{config.triton.urls[0]}']}}\n"
    )

    return path


@pytest.fixture
def look(site, config, config_file):
    """What is wrong; advice is written for this repository and a file with this configuration."""

    def look(site=site, config=config):
        options = f"--repository {site.repository.root}"
        found = examine(site, config, options=options, config_options=f"--config {config_file}")
        return [item for item in found if item.wrong and item.subject not in MACHINE]

    return look


def follow(findings) -> None:
    """As a person would paste it."""
    own = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for mend in dict.fromkeys(item.mend for item in findings):
        subprocess.run(mend, shell=True, env=own, check=True, capture_output=True)


def test_a_sound_site_has_no_findings(look):
    assert look() == []


def stray_file(site):
    (site.repository.model("crnn").path / "notes.txt").write_text("x")


def stray_folder(site):
    (site.repository.model("crnn").path / "old 1").mkdir()


def strange_model(site):
    (site.repository.root / "backup").mkdir()


def listed_but_missing(site):
    site.repository.model("crnn").config.write_text(bars.config_text("crnn", (1, 8)))


def no_policy(site):
    text = bars.config_text("crnn", (1,))
    lines = [line for line in text.splitlines() if "version_policy" not in line]
    site.repository.model("crnn").config.write_text("\n".join(lines) + "\n")


def stamped_in_the_future(site):
    later = time.time() + 3_600
    os.utime(site.repository.model("crnn").config, (later, later))


def left_over_stage(site):
    (site.repository.stage / "abc").mkdir(parents=True)
    (site.repository.stage / "abc/model.onnx").write_bytes(b"half")


def killed_before_anything(site):
    site.repository.work.mkdir(exist_ok=True)
    text = site.repository.model("crnn").config_text()
    site.journal.write(
        Transaction("x", "publish", "crnn", 9, "staged", text, text, "stage/x", False, {}, 0.0)
    )


def loaded_but_not_listed(site):
    """What a crash between a load and its undoing leaves in the server."""
    place = site.repository.version(Arm("crnn", 4)).path
    bars.write_version(place, version=4)
    from ocr_client.versions.rules import parse_config

    both = parse_config(bars.config_text("crnn", (1, 4)))
    site.fleet.load("crnn", json.dumps(both))
    site.fleet.wait_ready(Arm("crnn", 4))


def unloaded(site):
    endpoint = site.fleet.endpoints[0]
    site.fleet.control.unload(endpoint, "convnext", 10)
    site.fleet.wait_gone(Arm("convnext", 1))


FAULTS = {
    stray_file: "notes.txt: neither config.pbtxt nor a version",
    stray_folder: "old 1: neither config.pbtxt nor a version",
    strange_model: "backup: a folder without config.pbtxt",
    listed_but_missing: "crnn:8: config.pbtxt lists it, its folder is missing",
    no_policy: "not `specific`",
    stamped_in_the_future: "in the future",
    left_over_stage: "left over from a killed command: stage",
    killed_before_anything: "publish crnn:9 is not finished",
    loaded_but_not_listed: "serves it, config.pbtxt does not list it",
    unloaded: "does not serve it",
}


@pytest.mark.parametrize(("fault", "words"), FAULTS.items(), ids=[f.__name__ for f in FAULTS])
def test_fault_is_found_and_its_advice_mends_it(site, look, fault, words):
    fault(site)
    found = look()
    assert any(words in f"{item.subject}: {item.what}" for item in found), found
    for _ in range(3):
        follow(found)
        if not (found := look()):
            break
    assert found == []
    for arm in (Arm("crnn", 1), Arm("convnext", 1)):
        assert site.fleet.control.ready(site.fleet.endpoints[0], arm.model, arm.version)
    # A version that is there unlisted is a note: whether to serve it is for a person to say.
    if (left := Arm("crnn", 4)).version in site.repository.model("crnn").there():
        notes = examine(
            site,
            ClientConfig(
                ModelRouting(crnn_enabled=False, stable=bars.STABLE, candidate=bars.CANDIDATE)
            ),
        )
        assert [item.subject for item in notes if "served by nobody" in item.what] == ["crnn:4"]
        retire(site, left, tuple)


def test_file_changed_under_a_loaded_version(site, look, standard, tmp_path):
    """Also where meta.json was changed with it: the history knows what was proven."""
    source = bars.write_version(tmp_path / "new", version=20)
    arm = publish(site, "crnn", source, standard, version=20).arm
    folder = site.repository.version(arm)
    (folder.path / "model.onnx").write_bytes(bars.graph(3).SerializeToString())
    found = look()
    assert [item.subject for item in found] == ["crnn:20", "crnn:20"]
    assert "meta.json says" in found[0].what
    bars.write_meta(folder.path, version=arm.version)
    [finding] = look()
    assert "not the file that was proven (publish, SHA-256 " in finding.what
    follow([dataclasses.replace(finding, mend=finding.mend.rpartition("then: ")[2])])
    assert look() == []


def test_missing_version_that_has_traffic_is_not_to_be_retired(site, look, config):
    """`retire` would refuse it: its files must come back."""
    folder = site.repository.version(Arm("convnext", 1)).path
    aside = folder.rename(site.repository.root.parent / "aside")
    [finding] = look()
    assert finding.mend.startswith("it has traffic: put ")
    aside.rename(folder)
    follow([dataclasses.replace(finding, mend=finding.mend.rpartition("then: ")[2])])
    assert look() == []


def test_arms_in_use_must_be_listed_and_started(site, look, config):
    """A candidate that nobody serves, and a model that the start list lacks."""
    routing = ModelRouting(stable=bars.STABLE, candidate=Arm("third", 3), candidate_weight_bp=1)
    found = look(config=dataclasses.replace(config, model_routing=routing))
    assert {(item.subject.partition(" ")[0], item.severity) for item in found} == {
        ("third:3", "error"),
        ("server", "error"),
    }
    assert "its start list lacks third" in found[-1].what
    assert found[-1].mend == "ocrctl server down && ocrctl server up --detach"


def test_start_list_of_compose_is_read(site, look, config):
    """Its advice adds the missing line."""
    path = site.repository.root.parent / "docker-compose.yml"
    path.write_text("    command:\n      - --load-model=crnn\n      - --exit-on-error=false\n")
    found = look()
    assert [(item.subject, item.severity) for item in found] == [("docker-compose.yml", "error")]
    follow(found)
    assert path.read_text() == (
        "    command:\n      - --load-model=crnn\n      - --load-model=convnext\n"
        "      - --exit-on-error=false\n"
    )
    assert look() == []
    path.unlink()


def test_what_a_cold_start_would_load_is_said(site, config):
    found = [item for item in examine(site, config) if item.severity == "note"]
    assert "a start would load convnext:1, crnn:1" in [item.what for item in found]


def test_server_that_is_down_and_server_with_another_key(site, look):
    here = site.fleet.endpoints[0]
    dead = Endpoint("127.0.0.1:1", "127.0.0.1:1")
    found = look(dataclasses.replace(site, fleet=Fleet((here, dead))))
    assert [(item.subject, item.mend) for item in found] == [
        ("127.0.0.1:1", "ocrctl server up --detach")
    ]
    stranger = Fleet((dataclasses.replace(here, key="wrong"),))
    [finding] = look(dataclasses.replace(site, fleet=stranger))
    assert "--key-file" in finding.what


def test_clients_server_that_is_not_named(look, config):
    urls = (*config.triton.urls, "127.0.0.1:7")
    found = look(config=dataclasses.replace(config, triton=TritonSettings(urls=urls)))
    assert [item.subject for item in found] == ["127.0.0.1:7"]


def test_store_that_cannot_be_read(look, config, tmp_path):
    path = tmp_path / "rollout.db"
    path.write_bytes(b"no database" * 100)
    [finding] = look(config=dataclasses.replace(config, store=StoreSettings(f"sqlite:///{path}")))
    assert (finding.subject, finding.severity) == ("store", "error")


def test_more_threads_than_cores(site, look):
    """The advice writes one instance and one thread, and every version is loaded anew by it."""
    path = site.repository.model("crnn").config
    text = path.read_text()
    path.write_text(
        text.replace('"1" } }\nparameters { key: "ocr_h', '"64" } }\nparameters { key: "ocr_h')
    )
    [finding] = look()
    assert "1 instances of 64 threads" in finding.what
    follow([finding])
    assert path.read_text() == text


def test_disk_and_memory_for_the_next_swap(site, config, monkeypatch):
    usage = machine.shutil.disk_usage("/")
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: usage._replace(free=1 << 20))
    monkeypatch.setattr(machine, "_available", lambda: 1 << 20)
    found = {item.subject: item for item in examine(site, config)}
    assert found["disk"].severity == found["memory"].severity == "warning"
    assert found["memory"].mend.startswith("ocrctl models retire crnn:1 --keep")
