"""docs/rest.md: its commands and its Python work as they stand there."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from serving_process import LIMIT_S

from ocr_gateway.answers import Batch, Read
from ocr_gateway.problems import ProblemDocument

pytestmark = pytest.mark.server

ROOT = Path(__file__).parents[2]
MANUAL = (ROOT / "docs/rest.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:5000"
COMMANDS = [line[2:] for line in MANUAL.splitlines() if line.startswith("$ ")]


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", MANUAL, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_reads(serving, command):
    assert ADDRESS in command
    done = subprocess.run(
        ["bash", "-c", command.replace(ADDRESS, serving.url)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (Batch if "/batch" in command else Read).model_validate_json(done.stdout, strict=True)
    assert json.loads(done.stdout)["success"] is True


def test_the_python_reads(serving):
    (example,) = blocks("python")
    done = subprocess.run(
        [sys.executable, "-c", example.replace(ADDRESS, serving.url)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "TOTAL RM 45.90" in done.stdout


def test_the_answers_it_shows_are_such_answers():
    """As they are documented, key by key."""
    answer, problem = blocks("json")
    Read.model_validate_json(answer, strict=True)
    ProblemDocument.model_validate_json(problem, strict=True)


def test_every_kind_of_problem_is_in_its_table(serving):
    """Those that reading documents in /openapi.json, but for what nobody can do anything about."""
    paths = serving.get("/openapi.json").json()["paths"]
    kinds = set()
    for path in ("/ocr", "/ocr/batch", "/readyz"):
        for operation in paths[path].values():
            for response in operation["responses"].values():
                for content in response["content"].values():
                    kinds |= set(content.get("examples", ()))
    assert kinds - {"internal"} <= set(re.findall(r"`([a-z-]+)`", MANUAL)), kinds
