"""The search for the likeliest class in two steps gives what one step gives."""

import pytest

pytest.importorskip("torch", reason="the extra [export] is not installed")

import torch

from ocr_export.graph import best_of, groups_of


@pytest.mark.parametrize("classes", [1, 2, 7, 12, 97, 8_086])
def test_two_steps_are_one(classes):
    torch.manual_seed(classes)
    shares = torch.rand(2, 5, classes)
    value, best = best_of(shares)
    assert torch.equal(value, shares.amax(dim=-1))
    assert torch.equal(best, shares.argmax(dim=-1))


def test_the_first_of_equals_is_chosen_across_groups_and_within_one():
    shares = torch.zeros(1, 2, 12)  # three groups of four
    shares[0, 0, [5, 6, 9]] = 0.5
    assert best_of(shares)[1].tolist() == [[5, 0]]


@pytest.mark.parametrize(("classes", "groups"), [(8_086, 26), (7_644, 84), (97, 1), (1, 1)])
def test_groups_divide_the_classes(classes, groups):
    assert groups_of(classes) == groups
