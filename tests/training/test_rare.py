"""Which single characters training draws beside words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_training import rare

SHARES = st.floats(0.0, 0.5)


def reached(seen, kept, alone, shares):
    return kept * ((1 - alone) * seen + alone * shares)


def test_what_words_hold_seldom_is_drawn_more_often():
    """Until all reach the line equally often; what words hold often enough is not drawn."""
    seen, kept = np.array([1.0, 0.1, 0.0, 0.0]), np.array([1.0, 1.0, 1.0, 0.5])
    shares = rare.levelled(seen, kept, 0.5)
    level = reached(seen, kept, 0.5, shares)
    assert shares[0] == 0
    assert level[1:] == pytest.approx(level[1])
    assert level[0] > level[1]
    assert shares.sum() == pytest.approx(1)


def test_what_no_face_has_does_not_take_everything():
    shares = rare.levelled(np.zeros(10), np.array([0.0] + 9 * [1.0]), 0.4)
    assert shares[0] == pytest.approx(5 * shares[1])
    assert shares[0] < 0.4


@given(
    st.lists(st.tuples(SHARES, st.floats(0.2, 1.0)), min_size=1, max_size=30),
    st.floats(0.05, 1.0),
)
def test_no_one_could_be_helped_by_another(drawn, alone):
    """A distribution; whoever is drawn at all is as rare on lines as the rarest."""
    seen, kept = np.array(drawn).T
    shares = rare.levelled(seen, kept, alone)
    assert shares.min() >= 0
    assert shares.sum() == pytest.approx(1)
    level = reached(seen, kept, alone, shares)
    assert level[shares > 1e-9] == pytest.approx(level.min(), rel=1e-4, abs=1e-9)


def test_words_are_counted_by_weight_and_as_they_are_written():
    seen = rare.in_words(["发国", "国"], [1.0, 3.0], {ord("国"): "國"}, 0.1)
    assert seen == pytest.approx({"发": 0.25, "国": 0.9, "國": 0.1})
