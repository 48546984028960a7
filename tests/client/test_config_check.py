"""`ocrctl config check`: accepted or not, in one line, and what the configuration comes to."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from reloading import Centre, reply
from typer.testing import CliRunner

from ocr_client.cli.app import found
from ocr_client.cli.config import app
from ocr_client.config import ClientConfig
from ocr_client.settings import STABLE

ROOT = Path(__file__).parents[2]
PLAN = """\
rollout:
  id: crnn-v1
  phases:
    - {share: 0, min_dwell: 30m, min_samples: 50}
    - {share: 0.25, min_dwell: 12h, gate: auto, aim: watch the logs}
    - {share: 1, min_dwell: 1d}
  on_failure: freeze
triton: {urls: ['10.0.0.1:8000', '10.0.0.2:8000']}
store: {url: 'redis://:geheim@10.0.0.3:6379/0'}
"""


def check(*arguments, **environment):
    return CliRunner().invoke(app, ["check", *map(str, arguments)], env=environment)


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "config.yaml"
        path.write_text(text, "utf-8")
        return path

    return write


def test_the_file_in_the_repository_is_accepted():
    """With the facts that matter, as a program sees them."""
    run = check(ROOT / "config.yaml")
    assert run.exit_code == 0
    first, *facts = run.stdout.splitlines()
    assert first == f"{ROOT / 'config.yaml'}: ok"
    said = {line.split(maxsplit=1)[0]: line.split(maxsplit=1)[1] for line in facts}
    default = ClientConfig()
    assert said["stable"] == str(default.model_routing.stable)
    assert said["candidate"] == str(default.model_routing.candidate)
    assert said["share"].startswith("10 % ")
    assert said["endpoints"] == "127.0.0.1:8000"
    assert said["store"] == "memory of each process"


def test_a_plan_is_shown_with_its_phases(file):
    """Share, least time, least requests, gate and aim; no password of the store."""
    run = check(file(PLAN))
    assert run.exit_code == 0, run.output
    for words in (
        "crnn-v1: 3 phases, sticky user_image, holdout 2 %, confirmed, freeze on failure",
        "phase 1  0 % for at least 30 m and 50 requests, gate manual",
        "phase 2  25 % for at least 12 h and 100 requests, gate auto: watch the logs",
        "phase 3  98 % for at least 1 d and 100 requests, gate manual",
        "redis://...@10.0.0.3:6379/0",
        "10.0.0.1:8000, 10.0.0.2:8000",
    ):
        assert words in run.stdout
    assert "geheim" not in run.output
    assert "share" not in run.stdout  # of the ratio: the plan's share wins


def test_the_same_as_json(file):
    """One object, shares 0..1."""
    run = check(file(PLAN), "--json")
    facts = json.loads(run.stdout)
    assert run.exit_code == 0
    assert facts["ok"] is True
    assert facts["stable"] == str(STABLE)
    assert facts["share"] is None
    assert [phase["share"] for phase in facts["rollout"]["phases"]] == [0, 0.25, 1]
    assert facts["endpoints"] == ["10.0.0.1:8000", "10.0.0.2:8000"]
    assert facts["store"] == "redis://...@10.0.0.3:6379/0"
    assert "geheim" not in run.output
    facts = json.loads(check(file("model_routing: {gray_scale_ratio: 0.3}"), "--json").stdout)
    assert facts["share"] == 0.3
    assert facts["rollout"] is None


def test_a_candidate_that_is_switched_off_is_said(file):
    """Whatever the ratio or the plan would be."""
    for rest in ("", PLAN):
        run = check(file(f"model_routing: {{crnn_enabled: false}}\n{rest}"))
        assert "crnn_enabled is false, stable alone answers" in run.stdout


MISTAKES = {
    "triton: {}\nlimits: [\n": "not YAML: .*line ",
    "triton: {concurrency: 0}": "triton.concurrency: 0 is not accepted; accepted: a whole number",
    "rollout: {}": "rollout.id: is missing",
    "rollout: {id: a, phases: []}": "rollout.phases: ",
    "rollout: {id: a, phases: [{share: 0.3}, {share: 0.1}]}": "ascending",
    "rollout: {id: a}\nmodel_routing: {gray_scale_ratio: 0.9}": "gray_scale_ratio: 0.9",
    "stroe: {}": "did you mean store",
    "store: {url: 'redis://:geheim@/x y'}": "store.url",
}


@pytest.mark.parametrize("text", MISTAKES, ids=str)
@pytest.mark.parametrize("as_json", [False, True])
def test_a_mistake_is_one_line_and_exit_code_1(file, text, as_json):
    """On stderr; with --json in the object on stdout."""
    path = file(text)
    run = check(path, *["--json"] * as_json)
    assert run.exit_code == 1
    if as_json:
        answer = json.loads(run.stdout)
        assert answer["ok"] is False
        line = answer["error"]
        assert run.stderr == ""
    else:
        (line,) = run.stderr.splitlines()
        assert run.stdout == ""
        line = line.removeprefix("ocrctl: ")
    assert line.startswith(f"{path}: ")
    assert re.search(MISTAKES[text], line), line
    assert "geheim" not in line


def test_a_url_is_checked_like_a_file():
    """With the credentials of the environment; its errors are one line, too."""

    def guarded(request):
        given = request.headers.get("Authorization") == "Bearer geheim"
        return reply(PLAN.encode()) if given else reply(b"", 403)

    server = Centre(guarded)
    try:
        url = f"{server.url}/v1/kv/ocr/config?raw"
        run = check(url, OCR_ROLLOUT_CONFIG_TOKEN="geheim")
        assert run.exit_code == 0, run.output
        assert run.stdout.startswith(f"{url}: ok\n")
        run = check(url)
        assert run.exit_code == 1
        assert run.stderr.startswith(f"ocrctl: {url}: refuses access (HTTP 403); set ")
    finally:
        server.close()


def test_as_a_program(file):
    """Through its entry point; exit codes 0, 1 and 2; an example in its help."""
    assert found()["config"].value == "ocr_client.cli.config:app"
    ocrctl = [sys.executable, "-m", "ocr_client.cli", "config"]
    environment = {**os.environ, "COLUMNS": "120"}

    def run(*arguments):
        return subprocess.run(
            [*ocrctl, *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env=environment,
        )

    assert run("check", str(file(PLAN))).returncode == 0
    failed = run("check", "none.yaml")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr == (
        "ocrctl: none.yaml: no such file or directory; name a file that can be read\n"
    )
    assert run("check").returncode == 2
    assert "Example: ocrctl config check config.yaml" in run("check", "--help").stdout
