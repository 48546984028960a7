"""README's "Swap a version", command for command, in a folder as its reader has it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ocr_client.settings import CANDIDATE
from ocr_export.checkpoint import load_checkpoint, save_checkpoint

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"

pytestmark = [pytest.mark.server, pytest.mark.torch, pytest.mark.slow]


def section(heading: str) -> str:
    text = README.read_text(encoding="utf-8")
    found = re.search(rf"^### {heading}\n(.*?)^##", text, re.MULTILINE | re.DOTALL)
    assert found, f"README has no section {heading!r}"
    return found[1]


def four_commands() -> list[str]:
    """The lines of the section's first block, to the letter."""
    block = re.search(r"^```\n(.*?)^```", section("Swap a version"), re.MULTILINE | re.DOTALL)
    assert block, "the section has no block of commands"
    return block[1].splitlines()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """model_repository/, samples/, a trained checkpoint, and a configuration that wants crnn:5."""
    shutil.copytree(ROOT / "model_repository", tmp_path / "model_repository")
    shutil.copytree(ROOT / "samples", tmp_path / "samples")
    (tmp_path / "build/training/crnn").mkdir(parents=True)
    trained = load_checkpoint(ROOT / "training/checkpoints/crnn.pt")
    # Reads as the newest crnn does, which this checkpoint is: softmax does not see a shift of all classes.
    trained.network.output.bias.data += 0.001
    save_checkpoint(tmp_path / "build/training/crnn/ema.pt", trained)
    return tmp_path


@pytest.fixture
def shell(folder: Path):
    """Runs a line as its reader does, beside a Triton started by README's own command."""
    surroundings = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "OCR_ROLLOUT_STATE": str(folder / "state"),
        "COLUMNS": "120",
    }

    def run(line: str) -> str:
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=folder,
            env=surroundings,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"$ {line}\n{done.stdout}{done.stderr}"
        return done.stdout

    run("ocrctl server up --detach --http-port 0 --grpc-port 0 --metrics-port 0")
    try:
        where = json.loads(run("ocrctl server status --json"))
        configuration = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
        configuration["triton"] |= {
            "urls": [where["http_url"]],
            "metrics_urls": [where["metrics_url"]],
        }
        del configuration["model_routing"]["gray_scale_ratio"]  # the plan has the shares
        configuration["model_routing"]["candidate"] = "crnn:5"
        configuration["rollout"] = {"id": "crnn-5"}
        (folder / "config.yaml").write_text(yaml.safe_dump(configuration), encoding="utf-8")
        yield run
    finally:
        run("ocrctl server down")


def test_swap_a_version_in_four_commands(folder: Path, shell) -> None:
    """crnn:5 is made, published and rolled out, crnn:1 goes; and it reads."""
    commands = four_commands()
    assert len(commands) == 4
    for line in commands:
        shell(line)
    held = {
        f"{row['model']}:{row['version']}": (row["listed"], *row["states"].values())
        for row in json.loads(shell("ocrctl models list --json"))
    }
    assert held["crnn:5"] == held[str(CANDIDATE)] == (True, "READY")
    assert "crnn:1" not in held or not held["crnn:1"][0]
    assert not (folder / "model_repository/crnn/1").exists()

    status = json.loads(shell("ocrctl rollout status --json"))
    assert status["state"]["candidate"] == "crnn:5", status
    answer = json.loads(shell("ocrctl recognize samples/01_print.png --arm crnn:5 --json"))
    assert answer["success"] is True
    assert answer["arm"] == {"model": "crnn", "version": 5}
    shell("ocrctl models doctor")
