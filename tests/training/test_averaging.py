"""Weights between two checkpoints of one architecture, and what the file says of itself."""

import hashlib

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from typer.testing import CliRunner

from ocr_export import alphabet
from ocr_export.checkpoint import build, load_checkpoint, save_checkpoint
from ocr_training.cli import app

SIZES = {"channels": (8, 16, 16, 32), "hidden": 16}


def file(path, seed, **sizes):
    torch.manual_seed(seed)
    config = {**SIZES, **sizes, "classes": alphabet.class_count()}
    save_checkpoint(path, build("crnn", config, training={"lines": seed}))
    return path


def run(*words):
    return CliRunner().invoke(app, ["average", *map(str, words)])


def test_weights_lie_between_the_two(tmp_path):
    after, before = file(tmp_path / "after.pt", 1), file(tmp_path / "before.pt", 2)
    out = tmp_path / "new/between.pt"
    done = run(after, before, "--out", out, "--share", 0.25)
    assert done.exit_code == 0, done.output
    a, b, c = (load_checkpoint(path).network.state_dict() for path in (after, before, out))
    for key, value in c.items():
        wanted = 0.75 * a[key] + 0.25 * b[key] if value.is_floating_point() else a[key]
        assert torch.allclose(value, wanted, atol=2e-3), key  # FP16
    assert load_checkpoint(out).training == {
        "lines": 1,
        "averaged": {
            "share": 0.25,
            "with_sha256": hashlib.sha256(before.read_bytes()).hexdigest(),
        },
    }


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_nothing_lies_outside(tmp_path, share):
    after, before = file(tmp_path / "after.pt", 1), file(tmp_path / "before.pt", 2)
    done = run(after, before, "--out", tmp_path / "out.pt", f"--share={share}")
    assert (done.exit_code, done.stderr) == (1, f"error: share: {share} is not between 0 and 1\n")
    assert not (tmp_path / "out.pt").exists()


def test_other_sizes_have_nothing_between_them(tmp_path):
    after, before = file(tmp_path / "after.pt", 1), file(tmp_path / "before.pt", 2, hidden=24)
    done = run(after, before, "--out", tmp_path / "out.pt")
    assert done.exit_code == 1
    assert "of other sizes" in done.stderr
