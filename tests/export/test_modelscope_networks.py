"""ModelScope's architectures: every weight in its place, and the same numbers come out."""

from __future__ import annotations

import modelscope_reference as reference
import numpy as np
import pytest
import torch

from ocr_export.modelscope.folder import CLASSES, RECOGNIZERS

pytestmark = pytest.mark.torch

NAMES = ["CRNN", "ConvNextViT"]


def network(recognizer: str, state: reference.State) -> torch.nn.Module:
    made = RECOGNIZERS[recognizer].network(CLASSES)
    made.load_state_dict(state)
    return made.eval()


def lines(recognizer: str, count: int = 2) -> np.ndarray:
    """Noise, with a black end as padding leaves it."""
    size = (count, 1, 32, reference.WIDTH[recognizer])
    made = np.random.default_rng(0).integers(0, 256, size, np.uint8)
    made[0, :, :, 500:] = 0
    return made


def both(recognizer: str, state: reference.State, gray: np.ndarray):
    """(ours, the reference's)."""
    with torch.no_grad():
        ours = network(recognizer, state)(torch.from_numpy(gray).float() / 255.0)
    return ours, reference.logits(recognizer, state, gray)


@pytest.mark.parametrize("recognizer", NAMES)
def test_every_weight_has_the_published_name_and_shape(recognizer):
    """In number, names and shapes exactly the table of the published architecture."""
    state = RECOGNIZERS[recognizer].network(CLASSES).state_dict()
    found = {name: tuple(tensor.shape) for name, tensor in state.items()}
    assert found == reference.shapes(recognizer)
    size = sum(tensor.numel() for tensor in state.values())
    assert (len(found), size) == reference.WEIGHT_COUNTS[recognizer]


@pytest.mark.parametrize("recognizer", NAMES)
def test_logits_equal_the_independent_implementation(recognizer):
    """Within 1e-4 at random weights, where logits differ by several units."""
    state = reference.random_state(recognizer)
    ours, theirs = both(recognizer, state, lines(recognizer))
    assert ours.shape == (2, reference.WIDTH[recognizer] // 4, CLASSES)
    assert theirs.std() > 0.5
    assert (theirs.max(dim=1).values - theirs.min(dim=1).values).median() > 0.5, "steps differ"
    assert (ours - theirs).abs().max() <= 1e-4


@pytest.mark.parametrize("recognizer", NAMES)
def test_every_weight_that_is_read_counts(recognizer):
    """Parity would hold for a layer that both leave out; this would not."""
    made = network(recognizer, reference.random_state(recognizer))
    pixels = torch.from_numpy(lines(recognizer, count=1)).float() / 255.0
    made(pixels).square().mean().backward()
    silent = [name for name, weight in made.named_parameters() if not _moves(weight)]
    assert silent == (["vitstr.cls_token"] if recognizer == "ConvNextViT" else [])


def _moves(weight: torch.nn.Parameter) -> bool:
    return weight.grad is not None and bool(weight.grad.abs().max() > 0)


def test_each_step_of_convnextvit_comes_from_its_own_chunk():
    """Steps 0..68, 69..131, 132..200: a change of pixels moves those of its chunks alone."""
    state = reference.random_state("ConvNextViT")
    made = network("ConvNextViT", state)
    plain = torch.full((1, 1, 32, 804), 0.5)
    with torch.no_grad():
        before = made(plain)
        for pixels, moved in (
            (slice(0, 100), range(69)),
            (slice(400, 450), range(69, 132)),
            (slice(700, 804), range(132, 201)),
            (slice(260, 290), range(132)),  # in the overlap of the first two
        ):
            changed = plain.clone()
            changed[..., pixels] = 1.0
            difference = (made(changed) - before).abs().amax(dim=(0, 2))
            assert (difference > 0).nonzero().flatten().tolist() == list(moved)
