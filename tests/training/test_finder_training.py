"""What the line finder learns on and from, and a training of a few steps."""

import dataclasses
import json

import numpy as np
import pytest

pytest.importorskip("fontTools", reason="the extra [training] is not installed")
torch = pytest.importorskip("torch", reason="the extra [training] is not installed")

from ocr_export.finder_export import load_finder
from ocr_export.line_finder import MIDDLE_HEIGHT
from ocr_preprocessing.finder_spec import STEPS
from ocr_preprocessing.page.learned.maps import Maps
from ocr_preprocessing.page.learned.marks import marks_of
from ocr_training.finder.crops import crop, thickness
from ocr_training.finder.pages import MIX, FinderPages
from ocr_training.finder.targets import targets
from ocr_training.finder.trainer import FinderPlan, FinderTrainer

pytestmark = pytest.mark.torch

SMALL = {"channels": [8, 8, 8, 8], "blocks": [1, 1, 1, 1], "pyramid": 8}


@pytest.fixture(scope="module")
def maker(fonts_folder):
    return FinderPages(fonts_folder)


@pytest.mark.parametrize("kind", MIX)
def test_pages_are_functions_of_seed_and_index(maker, kind):
    one, other = maker.make(2, 5, kind), maker.make(2, 5, kind)
    np.testing.assert_array_equal(one.image, other.image)
    assert one.lines == other.lines


def test_crops_keep_the_quads_on_their_ink(maker):
    """What is inside of a quad has more contrast than paper."""
    page = maker.make(1, 3, "slip")
    rng, checked = np.random.default_rng(1), 0
    for _ in range(6):
        made = crop(page, 320, rng)
        for quad in made.quads:
            low, high = quad.min(axis=0).astype(int), quad.max(axis=0).astype(int)
            if (low >= 0).all() and (high < 320).all() and (high - low > 6).all():
                part = made.image[low[1] : high[1], low[0] : high[0]]
                assert part.std() > 4
                checked += 1
    assert checked > 10


def test_the_finder_gets_the_lines_back_from_their_targets(maker):
    """Shrinking and growing are each other's reverse, of lines, columns and single characters."""
    rng = np.random.default_rng(3)
    for kind in ("slip", "vertical", "scene"):
        made = crop(maker.make(4, 1, kind), 480, rng)
        truth = targets(made)
        height = np.where(truth.kernel > 0, truth.height + MIDDLE_HEIGHT, 0)
        coarse = height.reshape(120, 2, 120, 2).max(axis=(1, 3))
        column = truth.column.reshape(120, 2, 120, 2).max(axis=(1, 3)) * 255
        code = np.rint(coarse * STEPS).astype(np.uint8)
        found = marks_of(Maps(truth.kernel * 255, truth.text * 255, code, column))
        inside = (made.quads > 0).all(axis=(1, 2)) & (made.quads < 480).all(axis=(1, 2))
        inside &= thickness(made.quads, made.vertical) >= 8
        for quad, vertical in zip(made.quads[inside], made.vertical[inside], strict=True):
            apart = np.abs(found.quads - quad).max(axis=(1, 2))
            assert apart.min() < 5
            assert found.vertical[apart.argmin()] == vertical


@pytest.mark.slow
def test_a_training_learns_stops_and_resumes(fonts_folder, tmp_path):
    plan = FinderPlan(crops=6, size=64, count=2, held_out=1, network=SMALL, warmup_steps=1)
    FinderTrainer(plan, fonts_folder, tmp_path).run(workers=0)
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert rows[-1]["step"] == 3
    assert np.isfinite(rows[-1]["held_out"]["total"])
    resumed = FinderTrainer(plan, fonts_folder, tmp_path)
    assert resumed.progress.crops == 6
    finder = load_finder(tmp_path / "ema.pt")
    assert finder.training["crops"] == 6
    for name, value in resumed.average.state_dict().items():
        assert torch.allclose(finder.network.state_dict()[name].float(), value.float(), atol=1e-3)
    with pytest.raises(ValueError, match="was trained with seed 1, not 2"):
        FinderTrainer(FinderPlan(seed=2, size=64, network=SMALL), fonts_folder, tmp_path)


def test_a_new_training_starts_from_the_weights_of_another(fonts_folder, tmp_path):
    plan, start = FinderPlan(size=64, count=2, network=SMALL, warmup_steps=1), tmp_path / "ema.pt"
    first = FinderTrainer(plan, fonts_folder, tmp_path)
    first.progress.crops = 2  # as if it had learned; its weights are what counts
    first.save()
    fresh = FinderTrainer(dataclasses.replace(plan, seed=2), fonts_folder, tmp_path / "b", start)
    assert fresh.progress.crops == 0
    assert fresh.export_state()["training"]["before"]["crops"] == 2
    for name, value in fresh.model.state_dict().items():
        assert torch.allclose(first.average.state_dict()[name].float(), value.float(), atol=1e-3)
    (tmp_path / "b" / "last.pt").unlink(missing_ok=True)
    with pytest.raises(ValueError, match="its sizes are not the plan's"):
        FinderTrainer(FinderPlan(), fonts_folder, tmp_path / "b", start)


def test_the_loss_falls_on_one_batch(fonts_folder, tmp_path):
    from ocr_training.finder.batches import CropBatches

    plan = FinderPlan(size=128, count=2, network=SMALL, warmup_steps=1, peak_rate=1e-2)
    trainer = FinderTrainer(plan, fonts_folder, tmp_path)
    batch = next(iter(CropBatches(fonts_folder, seed=1, size=128, count=2)))
    first = float(trainer.train_step(batch).total.detach())
    for _ in range(25):
        last = float(trainer.train_step(batch).total.detach())
    assert last < 0.8 * first
