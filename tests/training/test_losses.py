"""The sampled losses are the exact ones in expectation, and exact with all classes."""

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from torch.nn import functional

from ocr_training.losses import ctc_losses, frame_loss, sampled_output


def setup(classes=400, seed=0):
    generator = torch.Generator().manual_seed(seed)
    output = torch.nn.Linear(16, classes)
    torch.nn.init.normal_(output.weight, std=0.3, generator=generator)
    steps = torch.randn(3, 20, 16, generator=generator)
    return output, steps, generator


def test_all_classes_give_the_textbook_ctc():
    output, steps, generator = setup()
    targets, lengths = torch.tensor([5, 9, 9, 30, 399, 1]), torch.tensor([3, 2, 1])
    mine = ctc_losses(steps, output, targets, lengths, negatives=0, generator=generator)
    scores = functional.log_softmax(output(steps), 2).transpose(0, 1)
    theirs = functional.ctc_loss(scores, targets, torch.full((3,), 20), lengths, reduction="none")
    assert mine.shape == (3,)
    assert torch.allclose(mine, theirs, atol=1e-5)


def test_a_sample_estimates_the_partition_sum_of_all():
    output, steps, generator = setup()
    wanted = torch.tensor([3, 7])
    exact = torch.logsumexp(output(steps), 2).exp()
    sums = torch.zeros_like(exact)
    for _ in range(400):
        weight, bias, _places = sampled_output(output, wanted, 60, generator)
        sums += torch.logsumexp(functional.linear(steps, weight, bias), 2).exp()
    assert torch.allclose(sums / 400, exact, rtol=0.05)


def test_places_point_at_the_wanted_rows():
    output, _, generator = setup()
    wanted = torch.tensor([0, 17, 3, 17, 255])
    weight, _, places = sampled_output(output, wanted, 50, generator)
    assert torch.equal(weight[places], output.weight[wanted])
    assert torch.equal(weight[0], output.weight[0])  # the blank stays first, as CTC wants it
    assert len(weight) == 4 + 50


def test_unknown_frames_weigh_nothing():
    output, steps, generator = setup()
    frames = torch.full((3, 20), -1)
    frames[0, 4] = 11
    alone = frame_loss(steps, output, frames, blank_share=1, negatives=0, generator=generator)
    expected = functional.cross_entropy(output(steps[0, 4:5]), torch.tensor([11]))
    assert torch.allclose(alone, expected, atol=1e-5)
