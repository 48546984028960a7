"""Whether confidence can be believed: bins, their error, and how well it sorts."""

import pytest

from ocr_rollout.core.calibration import auroc, calibration


def test_auroc_counts_pairs_and_halves_ties():
    score, right = [0.9, 0.8, 0.8, 0.1], [True, False, True, False]
    assert auroc(score, right) == pytest.approx((1 + 1 + 0.5 + 1) / 4)
    assert auroc(score, [True] * 4) is None


def test_calibration_compares_confidence_with_what_was_right():
    found = calibration([0.99, 0.99, 0.99, 0.99, 0.3], [True, True, True, False, False])
    low, high = found.bins
    assert (low.n, low.right) == (1, 0.0)
    assert (high.n, high.right) == (4, 0.75)
    assert found.error == pytest.approx((4 * 0.24 + 0.3) / 5)
    assert sum(part.n for part in calibration([0.0, 1.0, 0.5], [True] * 3).bins) == 3
