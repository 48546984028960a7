"""README's commands work as they stand there, and what it names exists."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert found, f"README has no {language} block"
    return found


def commands() -> list[str]:
    """Lines that start with `$ ` in console blocks, but for make, which runs these tests."""
    lines = [
        line[2:] for block in blocks("console") for line in block.splitlines() if line[:2] == "$ "
    ]
    return [line for line in lines if not line.startswith(("make", "git", "cd", "docker"))]


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory):
    """As README says: in the project's folder, its programs on the PATH."""
    programs = str(Path(sys.executable).parent)
    state = str(tmp_path_factory.mktemp("state"))
    return {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "OCR_ROLLOUT_STATE": state,
        "COLUMNS": "120",
    }


def run(command: str, surroundings: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=ROOT,
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, f"$ {command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.server
def test_the_commands_work_in_their_order(surroundings):
    """`server up` may have to take another port here, so the address is handed on."""
    started = False
    try:
        for command in commands():
            run(command, surroundings)
            if command.startswith("ocrctl server up"):
                started = True
                status = json.loads(run("ocrctl server status --json", surroundings))
                surroundings["OCR_ROLLOUT_TRITON_URL"] = status["http_url"]
        assert started, "README starts no server"
    finally:
        subprocess.run(
            ["ocrctl", "server", "down"], env=surroundings, capture_output=True, check=False
        )


@pytest.mark.server
def test_the_python_example_runs(triton, tmp_path):
    """With the address of the test's own server in place of the usual one."""
    config = tmp_path / "config.yaml"
    text = (ROOT / "config.yaml").read_text(encoding="utf-8")
    config.write_text(text.replace("127.0.0.1:8000", triton.http_url), encoding="utf-8")
    (example,) = blocks("python")
    script = tmp_path / "example.py"
    script.write_text(example.replace("config.yaml", str(config)), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_linked_files_exist():
    targets = [link for link in re.findall(r"\]\(([^)#]+)", README) if "://" not in link]
    targets += re.findall(r'<img [^>]*src="([^"]+)"', README)
    missing = [target for target in targets if not (ROOT / target).exists()]
    assert targets
    assert not missing


def test_every_make_target_it_names_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"(?<!dataset )\bmake ([a-z-]+)\b", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"make {target}"
