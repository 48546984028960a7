"""A crnn_small moves towards what its teacher says, and keeps the teacher it began with."""

import dataclasses

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch.nn import functional

from ocr_export import alphabet
from ocr_export.checkpoint import build, load_checkpoint, save_checkpoint
from ocr_training.batches import Batch
from ocr_training.plan import Plan
from ocr_training.teacher import Soft, Teacher, narrow, soft_loss
from ocr_training.trainer import Trainer

CPU = torch.device("cpu")
SIZES = {"channels": (8, 16, 16, 32), "hidden": 16}
PLAN = Plan(
    "crnn_small",
    sizes={"channels": [8, 16, 16, 32], "hidden": 16, "narrow": 12},
    lines=800,
    short_lines=800,
    frame_share=0.5,
    negatives=60,
    columns=8 * 128,
    characters="0123456789",
)


def teacher_file(path, arch="crnn", seed=0):
    """Untrained, but decided: its output layer is strong enough to prefer a few classes."""
    torch.manual_seed(seed)
    sizes = SIZES if arch == "crnn" else {"depths": (1, 1, 1, 1), "dims": (8, 16, 16, 32)}
    recogniser = build(arch, {**sizes, "classes": alphabet.class_count()})
    with torch.no_grad():
        recogniser.network.output.weight.mul_(40)
    save_checkpoint(path, recogniser)
    return path


@pytest.fixture
def teacher(tmp_path):
    return Teacher(teacher_file(tmp_path / "teacher.pt"), CPU)


def student():
    torch.manual_seed(7)
    sizes = {**PLAN.sizes, "classes": alphabet.class_count()}
    return build("crnn_small", sizes).network.train()


def batch(count=4, width=96):
    """Blocks of ink, which two networks can agree on, and texts that fit in."""
    generator = torch.Generator().manual_seed(3)
    coarse = torch.rand(count, 1, 4, width // 8, generator=generator)
    lines = functional.interpolate(coarse, size=(32, width), mode="nearest")
    frames = torch.randint(-1, 2, (count, width // 4), generator=generator)
    targets = torch.randint(1, 50, (3 * count,), generator=generator)
    lengths = torch.full((count,), 3)
    return Batch((lines * 255).byte(), targets, lengths, frames, ["abc"] * count, ["print"] * count)


def learn(network, loss_of, steps=60):
    """First and last loss."""
    optimiser = torch.optim.AdamW(network.parameters(), lr=5e-3)
    losses = []
    for _ in range(steps):
        optimiser.zero_grad()
        loss = loss_of()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    return losses[0], losses[-1]


def test_matching_moves_the_student_to_the_teachers_answers(teacher):
    """The soft-max of both was never computed, yet the same classes win."""
    network, one = student(), batch()
    lines = one.lines.float() / 255
    teacher.prepare(network, [lines])
    taught = teacher.steps(lines)
    best = teacher.output(taught).argmax(2)
    before = (network(lines).argmax(2) == best).float().mean()
    first, last = learn(
        network, lambda: teacher.match_loss(network.steps(lines), taught, one.frames), steps=90
    )
    assert last < 0.4 * first
    assert (network(lines).argmax(2) == best).float().mean() > max(0.5, before + 0.3)


def test_softened_answers_move_the_student_to_the_teachers(teacher):
    network, one = student(), batch()
    lines = one.lines.float() / 255
    teacher.prepare(network, [lines])
    taught = teacher.steps(lines)
    how = Soft(2.0, 4, 200, 0.5, torch.Generator().manual_seed(0))

    def divergence():
        shift = torch.zeros(network.output.out_features)
        mine, theirs = network(lines).flatten(0, 1), teacher.output(taught).flatten(0, 1)
        return float(soft_loss(mine, theirs, shift, 1.0).detach())

    before = divergence()
    learn(
        network,
        lambda: teacher.soft_losses(network.steps(lines), taught, network.output, one, how)[1],
    )
    assert divergence() < 0.6 * before


def test_all_directions_say_what_the_whole_layer_says():
    """Up to what all logits have in common; fewer say nearly that."""
    generator = torch.Generator().manual_seed(0)
    output = torch.randn(200, 24, generator=generator)
    scales = torch.logspace(0, -2, 24)
    taught = torch.randn(600, 24, generator=generator) * scales
    exact = functional.log_softmax(taught @ output.T, 1)
    for count, close in ((24, 1e-3), (12, 0.3)):
        fewer = narrow(output, taught, torch.ones(600), count)
        seen = functional.log_softmax(taught @ fewer.projection @ fewer.rows.T, 1)
        assert float((seen - exact).square().mean().sqrt()) < close
    spread = (taught @ fewer.projection).square().mean(0)
    assert torch.allclose(spread, torch.ones(12), rtol=0.05)


def test_what_all_classes_share_is_not_matched():
    """The soft-max does not see it, so no direction is spent on it."""
    generator = torch.Generator().manual_seed(0)
    output = torch.randn(50, 8, generator=generator)
    taught = torch.randn(300, 8, generator=generator)
    plain, lifted = (
        narrow(layer, taught, torch.ones(300), 3) for layer in (output, output + 9 * torch.ones(8))
    )
    assert torch.allclose(plain.weights, lifted.weights, rtol=1e-3)


def test_equal_answers_diverge_by_nothing():
    logits = torch.randn(5, 30)
    shift = torch.zeros(30)
    assert float(soft_loss(logits, logits + 3, shift, 2.0)) == pytest.approx(0, abs=1e-5)
    assert float(soft_loss(logits, logits.flip(1), shift, 2.0)) > 0.1


@pytest.mark.slow
def test_a_run_resumes_with_its_teacher_and_no_other(fonts_folder, tmp_path):
    path, out = teacher_file(tmp_path / "one.pt"), tmp_path / "run"
    trainer = Trainer(PLAN, fonts_folder, out, teacher=path)
    phases = set()
    for new in trainer._batches(workers=0):
        phases.add(trainer.train_step(new)[1])
        if trainer.progress.share(PLAN) >= 1:
            break
    assert phases == {"match", "ctc"}
    trainer.save()
    again = Trainer(PLAN, fonts_folder, out, teacher=path)
    assert again.progress == trainer.progress
    assert torch.equal(again.teacher.narrowed.projection, trainer.teacher.narrowed.projection)
    assert load_checkpoint(out / "ema.pt").training["teacher"]["sha256"] == again.teacher.sha256
    with pytest.raises(ValueError, match="give it --teacher"):
        Trainer(PLAN, fonts_folder, out)
    with pytest.raises(ValueError, match="another teacher"):
        Trainer(PLAN, fonts_folder, out, teacher=teacher_file(tmp_path / "two.pt", seed=1))


def test_only_a_crnn_teaches_and_only_a_crnn_small_is_matched_to_it(fonts_folder, tmp_path):
    crnn = teacher_file(tmp_path / "crnn.pt")
    convnext = teacher_file(tmp_path / "convnext.pt", arch="convnext")
    plan = dataclasses.replace(PLAN, arch="crnn", sizes=dict(SIZES))
    with pytest.raises(ValueError, match="a teacher is a crnn"):
        Trainer(PLAN, fonts_folder, tmp_path / "out", teacher=convnext)
    with pytest.raises(ValueError, match=r"only a crnn_small is matched.*--frame-share 0"):
        Trainer(plan, fonts_folder, tmp_path / "out", teacher=crnn)


def test_a_convnext_learns_a_crnns_answers(fonts_folder, tmp_path):
    """Beside CTC; its steps and output layer have other sizes than the teacher's."""
    crnn = teacher_file(tmp_path / "crnn.pt")
    sizes = {"depths": [1, 1, 1, 1], "dims": [8, 16, 16, 32]}
    plan = dataclasses.replace(PLAN, arch="convnext", sizes=sizes, frame_share=0.0)
    trainer = Trainer(plan, fonts_folder, tmp_path / "out", teacher=crnn)
    alone = Trainer(plan, fonts_folder, tmp_path / "alone")
    loss, phase = trainer.train_step(batch())
    assert phase == "ctc"
    assert loss > alone.train_step(batch())[0], "the same lines, and what the teacher says of them"
    trainer.save()
    facts = load_checkpoint(tmp_path / "out/ema.pt").training
    assert facts["teacher"]["sha256"] == trainer.teacher.sha256


def test_a_run_from_weights_has_nothing_to_match(fonts_folder, tmp_path, teacher):
    """Its output layer is its own; CTC and softened answers go on with it, and resume."""
    path, start = tmp_path / "teacher.pt", tmp_path / "start.pt"
    sizes = {**PLAN.sizes, "classes": alphabet.class_count()}
    save_checkpoint(start, build("crnn_small", sizes))
    trainer = Trainer(PLAN, fonts_folder, tmp_path / "run", start=start, teacher=path)
    with pytest.raises(ValueError, match="--frame-share 0"):
        trainer.train_step(batch())
    plan = dataclasses.replace(PLAN, frame_share=0.0)
    trainer = Trainer(plan, fonts_folder, tmp_path / "run", start=start, teacher=path)
    assert trainer.train_step(batch())[1] == "ctc"
    trainer.save()
    assert Trainer(plan, fonts_folder, tmp_path / "run", teacher=path).progress.step == 1
