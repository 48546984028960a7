"""The publish job of deploy/kubernetes, run by hand beside a real Triton."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import deployed
import pytest
import yaml

from ocr_server import EmbeddedTriton, Ports
from ocr_server.triton_api import TritonAPI

pytestmark = [pytest.mark.server, pytest.mark.slow]

JOB = deployed.pod_of(deployed.built("publish")[0])


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """The claim's content: what is shipped, without crnn:2, which the job is to bring as crnn:5."""
    root = tmp_path / "volume/model_repository"
    shutil.copytree(deployed.ROOT / "model_repository", root)
    crnn = root / "crnn"
    text = (crnn / "config.pbtxt").read_text(encoding="utf-8")
    without, count = re.subn(r"(versions: \[[ 0-9,]*) 2,", r"\1", text)
    assert count == 1
    (crnn / "config.pbtxt").write_text(without, encoding="utf-8")
    shutil.rmtree(crnn / "2")
    return tmp_path / "volume"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """/models of the image ocr-rollout/models:crnn-5."""
    folder = tmp_path / "models/crnn/5"
    shutil.copytree(deployed.ROOT / "model_repository/crnn/2", folder)
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    meta["version"] = 5
    (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    return tmp_path / "models"


def configuration(store: str, triton: EmbeddedTriton) -> dict[str, Any]:
    """The job's, with the addresses of this test; crnn:2 is not there yet."""
    config: dict[str, Any] = yaml.safe_load(
        deployed.one(deployed.built("base"), "ConfigMap", "ocr-config")["data"]["config.yaml"]
    )
    config["store"]["url"] = store
    config["triton"]["urls"] = [triton.http_url]
    config["triton"]["metrics_urls"] = [triton.metrics_url]
    config["model_routing"]["candidate"] = "crnn:1"
    return config


def states(triton: EmbeddedTriton) -> set[tuple[str, str]]:
    index = TritonAPI(triton.http_url, triton.control_key).index()
    return {(it.model, it.version) for it in index if it.state == "READY"}


def test_a_version_comes_as_the_job_says(
    image: Path, store: str, volume: Path, models: Path, tmp_path: Path
) -> None:
    """`bring`, then `publish`, with the containers' own words; and not without the key.

    One replica: each embedded server has a key of its own, where the pods share one.
    """
    incoming = tmp_path / "incoming"
    incoming.mkdir()
    places = {
        "/models/.": f"{models}/.",
        "/incoming": str(incoming),
        "/srv/ocr": str(volume),
        "/usr/share/ocr-rollout/samples": str(deployed.ROOT / "samples"),
        "/etc/ocr": str(tmp_path),
    }

    def moved(word: str) -> str:
        for there, here in places.items():
            start = word.find(there)
            if start in {0, word.find("=") + 1}:
                return word.replace(there, here, 1)
        return word

    bring, publish = JOB["initContainers"][0]["command"], JOB["containers"][0]["args"]
    subprocess.run([moved(word) for word in bring], check=True)
    root = volume / "model_repository"
    with EmbeddedTriton(root, ports=Ports(0, 0, 0)) as triton:
        assert ("crnn", "5") not in states(triton)
        document = configuration(store, triton)
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
        words = [moved(word) for word in publish if not word.startswith("--endpoint=")]
        words.append(f"--endpoint={triton.http_url},{triton.grpc_url}")
        refused = run(image, tmp_path, words, key="")
        assert refused.returncode == 1
        assert "OCR_CONTROL_KEY" in refused.stderr
        assert ("crnn", "5") not in states(triton)
        done = run(image, tmp_path, words, key=triton.control_key)
        assert done.returncode == 0, done.stderr
        assert f"crnn:5 is ready for traffic at {triton.http_url}" in done.stdout
        assert ("crnn", "5") in states(triton)


def run(image: Path, home: Path, words: list[str], *, key: str) -> subprocess.CompletedProcess[str]:
    """Beside nothing of the caller's: what the container has is all there is."""
    return subprocess.run(
        [image / "bin/ocrctl", *words],
        env={"PATH": os.environ["PATH"], "HOME": str(home), "OCR_CONTROL_KEY": key},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
