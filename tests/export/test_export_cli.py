"""`ocrctl export`: writes, compares, and says in one line what is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from ocr_export import alphabet
from ocr_export.checkpoint import build, save_checkpoint
from ocr_export.cli import app
from ocr_export.parity import drawn_lines
from ocr_export.repository import UNTRAINED

pytestmark = pytest.mark.torch

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoint") / "c.pt"
    save_checkpoint(path, build("crnn", {"classes": alphabet.class_count(), **UNTRAINED["crnn"]}))
    return path


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_export_then_check_then_accuracy(tmp_path, checkpoint):
    """The three verbs in the order they are used."""
    version = tmp_path / "repo/crnn/1"
    image = tmp_path / "line.png"
    cv2.imwrite(str(image), np.random.default_rng(0).integers(0, 256, (40, 400), np.uint8))
    wrote = call("onnx", checkpoint, "--to", version, "--json")
    assert wrote.exit_code == 0, wrote.output
    facts = json.loads(wrote.stdout)
    assert facts["equal"]
    assert facts["bytes"] == (version / "model.onnx").stat().st_size
    checked = call("check", version, "--checkpoint", checkpoint, "--image", image)
    assert checked.exit_code == 0, checked.output
    assert "0 of" in checked.stdout
    (tmp_path / "scores.json").write_text('{"all": 0.5}')
    assert call("accuracy", version, tmp_path / "scores.json").exit_code == 0
    assert json.loads((version / "meta.json").read_text())["accuracy"] == {"all": 0.5}


@pytest.mark.slow
def test_export_in_8_bits_then_check(tmp_path):
    """Said in meta.json; the check compares with the checkpoint in FP32, then 8 bits with that."""
    trained = ROOT / "training/checkpoints/crnn.pt"  # chance weights are at a loss between classes
    lines = tmp_path / "lines"
    lines.mkdir()
    for index, line in enumerate(drawn_lines([f"No. {n * 7919} paid" for n in range(100)])):
        cv2.imwrite(str(lines / f"{index:03}.png"), line)
    version = tmp_path / "repo/crnn/1"
    wrote = call("onnx", trained, "--to", version, "--int8", lines)
    assert wrote.exit_code == 0, wrote.output
    assert "in 8 bits: " in wrote.stdout
    assert json.loads((version / "meta.json").read_text())["precision"] == "int8"
    checked = call("check", version, "--checkpoint", trained, "--json")
    assert checked.exit_code == 0, checked.output
    facts = json.loads(checked.stdout)
    assert facts["differing_steps"] == 0
    assert facts["int8"]["steps"] > 0


def test_other_checkpoint_fails_the_check(tmp_path, checkpoint):
    """Exit 1 and the numbers when the version is not what the checkpoint says."""
    version = tmp_path / "repo/crnn/1"
    assert call("onnx", checkpoint, "--to", version).exit_code == 0
    other = build("crnn", {"classes": alphabet.class_count(), **UNTRAINED["crnn"]})
    other.network.output.bias.data[7] = 20.0
    save_checkpoint(tmp_path / "other.pt", other)
    result = call("check", version, "--checkpoint", tmp_path / "other.pt")
    assert result.exit_code == 1
    assert "have another code point" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["onnx", "missing.pt", "--to", "repo/crnn/1"], "missing.pt: no such checkpoint"),
        (["onnx", "{ok}", "--to", "repo/crnn"], "a version directory is MODEL/NUMBER"),
        (["onnx", "{ok}", "--to", "repo/crnn/1", "--stages", "best"], "not one of fast, exact"),
        (["onnx", "{ok}", "--to", "repo/crnn/1", "--image", "no.png"], "no.png: no such file"),
        (["onnx", "{ok}", "--to", "repo/crnn/1", "--int8", "no"], "no: no line images there"),
        (["check", "repo/crnn/1", "--checkpoint", "{ok}"], "model.onnx: missing"),
    ],
)
def test_mistakes_are_one_line_on_stderr(tmp_path, monkeypatch, checkpoint, arguments, message):
    """No stack trace, nothing written."""
    monkeypatch.chdir(tmp_path)
    result = call(*[argument.format(ok=checkpoint) for argument in arguments])
    assert result.exit_code == 1
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_help_loads_neither_torch_nor_onnx():
    """`ocrctl --help` stays fast."""
    code = (
        "import sys, ocr_export.cli; "
        "sys.exit(bool({'torch', 'onnx', 'onnxruntime', 'cv2'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
