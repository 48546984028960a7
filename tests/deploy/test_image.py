"""Dockerfile: what its steps do, done by hand, for there is no Docker engine to do them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import deployed
import image_steps
import pytest
from benchmarks.ports import free_port

from ocr_server import EmbeddedTriton

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DOCKERFILE = deployed.ROOT / "Dockerfile"
MODELS = deployed.KUBERNETES / "models.Dockerfile"
TORCH = {"torch", "onnx", "onnxruntime", "tensorflow"}


@pytest.mark.parametrize("path", [DOCKERFILE, MODELS], ids=lambda path: path.name)
def test_hadolint_is_content(path: Path) -> None:
    done = subprocess.run(
        [deployed.program("hadolint"), str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_the_build_sees_our_packages_and_nothing_heavy_or_secret() -> None:
    seen = image_steps.context(deployed.ROOT / ".dockerignore")
    packages = tomllib.loads((deployed.ROOT / "pyproject.toml").read_text())["tool"]["hatch"][
        "build"
    ]
    for package in packages["targets"]["wheel"]["packages"]:
        assert any(name.startswith(f"{package}/") for name in seen), package
    assert {"pyproject.toml", "requirements/service.lock", "LICENSE", "README.md"} <= seen
    assert not {Path(name).suffix for name in seen} & {".onnx", ".pt", ".pyc"}
    roots = {name.partition("/")[0] for name in seen}
    assert not roots & {"tests", "model_repository", "build", ".env", "secrets", ".git", ".venv"}
    assert sum((deployed.ROOT / name).stat().st_size for name in seen) < 10 << 20


def test_every_copied_path_is_in_its_context() -> None:
    for path, ignore in (
        (DOCKERFILE, deployed.ROOT / ".dockerignore"),
        (MODELS, MODELS.with_name("models.Dockerfile.dockerignore")),
    ):
        seen = image_steps.context(ignore)
        arguments = dict(
            rest.split("=")
            for word, rest in deployed.dockerfile(path)
            if word == "ARG" and "=" in rest
        )
        for word, rest in deployed.dockerfile(path):
            if word != "COPY" or rest.startswith("--from"):
                continue
            source = rest.split()[0]
            for name, value in arguments.items():
                source = source.replace(f"${{{name}}}", value)
            there = source == "." or any(it == source or it.startswith(f"{source}/") for it in seen)
            assert there, f"{path.name}: COPY {source}"


def test_the_image_has_no_torch_no_root_and_a_check_that_can_fail() -> None:
    names = {name.lower() for name in image_steps.locked()}
    assert {"fastapi", "uvicorn", "redis", "grpcio", "tritonclient", "hatchling"} <= names
    assert not names & TORCH
    text = image_steps.LOCK.read_text(encoding="utf-8")
    pinned = re.findall(r"^\S+==.*?(?=^\S+==|\Z)", text, re.MULTILINE | re.DOTALL)
    assert len(pinned) == len(image_steps.locked())
    assert all("--hash=sha256:" in one for one in pinned)
    found = deployed.dockerfile(DOCKERFILE)
    assert [rest for word, rest in found if word == "USER"] == ["10001:10001"]
    assert all(":latest" not in rest for word, rest in found if word == "FROM")
    assert deployed.array("ENTRYPOINT") == ["tini", "--", "ocrctl"]
    pod = deployed.pod_of(deployed.one(deployed.built("base"), "Deployment", "service"))
    assert pod["securityContext"]["runAsUser"] == 10001


def test_versions_agree_with_the_projects() -> None:
    """In the image's label, in docker-compose.yml and in deploy/kubernetes."""
    project = tomllib.loads((deployed.ROOT / "pyproject.toml").read_text())["project"]
    assert ("ARG", f"VERSION={project['version']}") in deployed.dockerfile(DOCKERFILE)
    texts = [deployed.COMPOSE, DOCKERFILE, MODELS, *deployed.KUBERNETES.rglob("*.yaml")]
    for path in texts:
        tags = re.findall(r"ocr-rollout/(?:service|models):(\d\S*)", path.read_text())
        assert set(tags) <= {project["version"]}, path


@pytest.mark.slow
def test_the_image_knows_every_verb_and_says_what_it_lacks(image: Path) -> None:
    """Training and export stay outside; whoever calls them there is told the extra."""
    for words in (["serve"], ["models", "publish"], ["rollout", "status"], ["recognize"]):
        done = subprocess.run(
            [image / "bin/ocrctl", *words, "--help"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    script = "import importlib.util as u, sys; print([n for n in sys.argv[1:] if u.find_spec(n)])"
    done = subprocess.run(
        [image / "bin/python", "-c", script, *TORCH], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
@pytest.mark.server
def test_it_serves_as_docker_compose_starts_it(
    image: Path, triton: EmbeddedTriton, store: str, tmp_path: Path
) -> None:
    """Its command, its configuration and its health check, over a real Triton and a real Redis."""
    port = str(free_port())
    text = (deployed.ROOT / "deploy/compose/config.yaml").read_text(encoding="utf-8")
    for there, here in (
        ("triton:8000", triton.http_url),
        ("triton:8002", triton.metrics_url),
        ("redis://redis:6379/0", store),
    ):
        assert there in text
        text = text.replace(there, here)
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "admin-token").write_text("f" * 48)
    (tmp_path / "admin-token").chmod(0o600)
    moved = {
        "0.0.0.0": "127.0.0.1",
        "5000": port,
        "/etc/ocr/config.yaml": str(tmp_path / "config.yaml"),
    }
    words = [
        moved.get(word, word) for word in deployed.composed()["services"]["service"]["command"]
    ]
    variables = {
        "PATH": f"{image / 'bin'}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "OCR_ROLLOUT_ADMIN_TOKEN_FILE": str(tmp_path / "admin-token"),
    }
    check = [word.replace(":5000/", f":{port}/") for word in deployed.array("HEALTHCHECK")]

    def healthy() -> bool:
        done = subprocess.run(check, env=variables, capture_output=True, check=False)
        return done.returncode == 0

    assert not healthy()
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            ["ocrctl", *words], env=variables, cwd=tmp_path, stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + 180  # two processes import, on a machine that is busy
        while not healthy():
            assert process.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()
            time.sleep(0.2)
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/ocr",
            data=(deployed.ROOT / "samples/01_print.png").read_bytes(),
            headers={"Content-Type": "image/png"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            answer = json.load(response)
        assert answer["success"] is True
        assert answer["text"]
    finally:
        process.terminate()
    # What `docker stop` waits for, and the stop grace of docker-compose.yml must not be needed.
    assert process.wait(20) in (0, -15, 143), (tmp_path / "log").read_text()
    assert not healthy()
