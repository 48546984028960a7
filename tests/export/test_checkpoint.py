"""Checkpoints: what is written comes back, and what does not fit is refused in one line."""

from __future__ import annotations

import pytest
import torch

from ocr_export import alphabet
from ocr_export.checkpoint import CheckpointError, build, load_checkpoint, save_checkpoint
from ocr_export.repository import UNTRAINED

pytestmark = pytest.mark.torch


@pytest.fixture
def recogniser():
    config = {"classes": alphabet.class_count(), **UNTRAINED["crnn"]}
    return build("crnn", config, training={"lines": 128_000, "seed": 3})


def saved(path, recogniser, **changes):
    save_checkpoint(path, recogniser)
    if changes:
        torch.save(torch.load(path, weights_only=True) | changes, path)
    return path


@pytest.mark.parametrize("arch", ["crnn", "convnext"])
@pytest.mark.parametrize("half", [False, True])
def test_what_was_saved_comes_back(tmp_path, arch, half):
    """Config, facts and weights, as float32 again; float16 costs rounding only."""
    made = build(arch, {"classes": alphabet.class_count(), **UNTRAINED[arch]}, training={"n": 1})
    save_checkpoint(tmp_path / "c.pt", made, half=half)
    back = load_checkpoint(tmp_path / "c.pt")
    assert (back.arch, back.config, back.training) == (arch, made.config, {"n": 1})
    assert not back.network.training
    for key, value in back.network.state_dict().items():
        assert value.dtype == made.network.state_dict()[key].dtype
        torch.testing.assert_close(value, made.network.state_dict()[key], atol=1e-3, rtol=1e-3)
    assert list(tmp_path.iterdir()) == [tmp_path / "c.pt"]


CASES = [
    # what is wrong with the content, what the message says
    ({"arch": "vit"}, "arch: 'vit' is not one of crnn, convnext"),
    ({"alphabet_sha256": "0" * 64}, "trained with another alphabet.txt (000000000000..."),
    ({"config": {"classes": 10}}, "10 classes, but the alphabet has"),
    ({"config": {"klasses": 10}}, "config: does not fit crnn"),
    ({"model": {}}, "weights do not fit the config"),
]


@pytest.mark.parametrize(("change", "message"), CASES)
def test_content_that_does_not_fit_is_refused(tmp_path, recogniser, change, message):
    """One line that names the file and the field."""
    path = saved(tmp_path / "c.pt", recogniser, **change)
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_checkpoint_are_refused(tmp_path):
    """Missing, empty, text, a directory, and a pickle of other things."""
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("hello\n")
    torch.save([1, 2], tmp_path / "list")
    for name in ("missing", "empty", "text", "list", "."):
        with pytest.raises(CheckpointError) as caught:
            load_checkpoint(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_code_in_a_checkpoint_does_not_run(tmp_path):
    """Loading is weights_only: a pickled call is refused, not made."""

    class Call:
        def __reduce__(self):
            return (tmp_path.joinpath("ran").touch, ())

    torch.save({"arch": Call()}, tmp_path / "evil")
    with pytest.raises(CheckpointError):
        load_checkpoint(tmp_path / "evil")
    assert not (tmp_path / "ran").exists()
