"""A tiny training run from nothing: it learns, stops, resumes, and its checkpoint exports."""

import json
import signal
import statistics
import subprocess
import sys

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.slow]

from ocr_export.checkpoint import load_checkpoint
from ocr_preprocessing.spec import LineSpec
from ocr_training.evaluation import made_lines, read_made
from ocr_training.plan import Plan
from ocr_training.trainer import Trainer

DIGITS = "0123456789"
PLAN = Plan(
    "crnn",
    sizes={"channels": [16, 32, 48, 64], "hidden": 48},
    lines=9_000,
    short_lines=9_000,
    peak_rate=3e-3,
    warmup_steps=30,
    frame_share=0.6,
    negatives=60,
    ema=0.98,
    columns=8 * 128,
    replay_share=0.15,
    characters=DIGITS,
)


@pytest.fixture(scope="module")
def trained(fonts_folder, tmp_path_factory):
    """A run that was stopped once in the middle and resumed."""
    out = tmp_path_factory.mktemp("run")
    torch.set_num_threads(1)
    half = Trainer(PLAN, fonts_folder, out)
    for batch in half._batches(workers=0):
        half.train_step(batch)
        if half.progress.share(PLAN) > 0.5:
            break
    half.save()
    rest = Trainer(PLAN, fonts_folder, out)
    assert rest.progress == half.progress
    assert rest.replay.state()["draws"] == half.replay.state()["draws"] > 0
    rest.run(workers=0)
    return out, rest


def test_the_loss_falls(trained):
    out, trainer = trained
    rows = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    ctc = [row["loss"] for row in rows if row.get("phase") == "ctc"]
    assert len(ctc) >= 5
    assert statistics.mean(ctc[-5:]) < 1.0, "nats per character; chance is ln(10) = 2.3"
    assert trainer.progress.share(PLAN) == 1


def test_hard_lines_are_read_again_and_not_counted_as_new(trained):
    """Only CTC replays, which is the last part of the schedule."""
    out, trainer = trained
    progress = trainer.progress
    assert 0 < progress.replayed < 0.15 * progress.lines
    assert load_checkpoint(out / "ema.pt").training["replayed"] == progress.replayed
    rows = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert {row["phase"] for row in rows if "phase" in row} >= {"frames", "ctc"}


def test_digits_get_read(trained, fonts_folder):
    """Print and scans of digits that it never saw."""
    out, _ = trained
    network = load_checkpoint(out / "ema.pt").network
    lines = made_lines(fonts_folder, seed=99, count=60, characters=DIGITS)
    scores = read_made(network, lines, LineSpec(), torch.device("cpu"))
    assert scores["print"].one_minus_cer > 0.8, scores
    assert scores["scan"].one_minus_cer > 0.75, scores


def test_a_new_run_can_start_from_its_weights(trained, fonts_folder, tmp_path):
    out, _ = trained
    fresh = Trainer(PLAN, fonts_folder, tmp_path, start=out / "ema.pt")
    weights = load_checkpoint(out / "ema.pt").network.state_dict()
    assert all(torch.equal(value, weights[key]) for key, value in fresh.model.state_dict().items())
    assert fresh.progress.step == 0


def test_an_interrupted_run_keeps_what_it_learnt(fonts_folder, tmp_path, monkeypatch):
    trainer = Trainer(PLAN, fonts_folder, tmp_path)
    step = trainer.train_step

    def interrupted(batch):
        if trainer.progress.step == 3:
            raise KeyboardInterrupt
        return step(batch)

    monkeypatch.setattr(trainer, "train_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trainer.run(workers=0)
    assert Trainer(PLAN, fonts_folder, tmp_path).progress.step == 3


@pytest.mark.timeout(120)
def test_lines_are_made_beside_a_process_that_drew_in_two_threads(fonts_folder, tmp_path):
    """Which a forked worker has not, and waited for."""
    cv2.setNumThreads(2)
    cv2.GaussianBlur(np.zeros((2_000, 2_000), np.float32), (0, 0), 5)
    batches = Trainer(PLAN, fonts_folder, tmp_path)._new_batches(workers=1)
    assert next(batches).texts
    assert cv2.getNumThreads() == 1


def test_a_killed_run_in_the_background_keeps_what_it_learnt(fonts_folder, tmp_path):
    """As a script's `ocrctl train run ... &`, which ignores SIGINT from its start."""
    command = [f"{sys.prefix}/bin/ocrctl", "train", "run", "crnn_small", "--out", "out"]
    command += ["--fonts", fonts_folder, "--columns", "256", "--short-lines", "99999"]
    ignoring = ["sh", "-c", "trap '' INT; exec \"$@\"", "sh", *command]
    with subprocess.Popen(ignoring, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as run:
        said = json.loads(run.stdout.readline())  # fifty steps are done
        run.send_signal(signal.SIGTERM)
        assert run.wait(60) == 130
    progress = torch.load(tmp_path / "out/last.pt", weights_only=True)["progress"]
    assert progress["step"] >= said["step"] == 50
    assert (tmp_path / "out/ema.pt").exists()


def test_another_plan_does_not_resume_it(trained, fonts_folder):
    out, _ = trained
    with pytest.raises(ValueError, match="arch"):
        Trainer(Plan("convnext"), fonts_folder, out)
