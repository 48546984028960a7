"""Lines drawn again: sums of whole lines, the same for the same seed, in blocks or at once."""

import numpy as np
import pytest

from ocr_rollout.core import resampling
from ocr_rollout.core.resampling import RESAMPLES, interval, resampled_sums


def test_each_draw_has_as_many_lines_as_there_are():
    sums = resampled_sums(np.ones((7, 1)))
    assert sums.shape == (RESAMPLES, 1)
    assert (sums == 7).all()


def test_columns_of_a_line_are_drawn_together():
    column = np.arange(40.0)
    sums = resampled_sums(np.column_stack([column, 3 * column]))
    assert (sums[:, 1] == 3 * sums[:, 0]).all()
    assert sums[:, 0].std() > 0


def test_blocks_make_the_draws_that_one_piece_makes(monkeypatch):
    """A large set is drawn in pieces, for memory; that changes no figure."""
    columns = np.random.default_rng(1).random((50, 2))
    whole = resampled_sums(columns, seed=3)
    monkeypatch.setattr(resampling, "_AT_ONCE", 50 * 300)
    assert np.array_equal(resampled_sums(columns, seed=3), whole)
    assert not np.array_equal(resampled_sums(columns, seed=4), whole)


def test_the_spread_of_a_mean_is_the_textbooks():
    """Standard error s / sqrt(n), within 5 %."""
    values = np.random.default_rng(2).exponential(size=(400, 1))
    means = resampled_sums(values)[:, 0] / 400
    assert means.std() == pytest.approx(values.std() / 20, rel=0.05)
    low, high = interval(means)
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.08)
