"""Batches: padded as served, and every step knows what it is."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from ocr_export import alphabet
from ocr_preprocessing.spec import LineSpec
from ocr_training.batches import COLUMNS, UNKNOWN, collate, fits, frame_classes, pool_batches
from ocr_training.lines import MadeLine

SPEC = LineSpec()


def line(text, width):
    edges = np.linspace(0, width, len(text) + 1)
    spans = np.stack([edges[:-1], edges[1:]], axis=1).astype(np.float32)
    return MadeLine(np.full((32, width), 200, np.uint8), text, "print", spans)


def test_lines_are_padded_to_the_bucket_of_the_widest():
    batch = collate([line("12", 40), line("123", 100)], SPEC)
    assert batch.lines.shape == (2, 1, 32, 128)
    assert (batch.lines[0, 0, :, 40:] == SPEC.pad_value).all()
    assert batch.frames.shape == (2, 32)
    assert batch.lengths.tolist() == [2, 3]
    characters = alphabet.characters()
    assert "".join(characters[code - 1] for code in batch.targets.tolist()) == "12123"


def test_the_core_of_a_character_is_its_class_and_the_rest_unknown():
    frames = frame_classes([7, 9], np.array([[0, 8], [10, 14]]), 20)
    assert (frames[2:6] == 7).all()
    assert frames[0] == frames[7] == UNKNOWN
    assert frames[8] == frames[9] == 0
    assert 9 in frames[10:14]
    assert (frames[14:] == 0).all()


def test_a_character_narrower_than_a_step_still_gets_one():
    frames = frame_classes([5], np.array([[3.1, 3.3]]), 10)
    assert (frames == 5).sum() == 1


def test_a_line_with_more_characters_than_steps_is_left_out():
    assert fits(line("1234", 16), SPEC)
    assert not fits(line("12345", 16), SPEC)
    assert not fits(line("1122", 16), SPEC)  # CTC needs a blank between equal neighbours
    assert not fits(line("1", 2000), SPEC)


def test_wide_lines_come_in_smaller_batches_and_none_is_lost():
    lines = [line("12", 90) for _ in range(150)] + [line("12", 500) for _ in range(50)]
    batches = list(pool_batches(lines, SPEC, np.random.default_rng(0)))
    assert sum(len(batch.texts) for batch in batches) == 200
    wide = [batch for batch in batches if batch.lines.shape[3] >= 512]
    assert all(len(batch.texts) * 512 <= COLUMNS for batch in wide)
