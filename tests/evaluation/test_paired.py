"""Two arms on the same lines: the intervals hold what they should, and p is what it says."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ocr_evaluation import paired
from ocr_evaluation.marks import Marks
from ocr_evaluation.paired import ALPHA, difference, mcnemar, ratio_intervals, sign_flip

STUDIES, LINES = 1_000, 500
LENGTHS, OF_LENGTH = np.array([2, 5, 10, 20, 40]), np.array([0.1, 0.2, 0.3, 0.3, 0.1])
# A line is easy, hard or lost: chance of an error in a character of it, and how often.
ERRORS = np.array([0.0, 0.06, 0.6])
STABLE, OTHER = np.array([0.6, 0.3, 0.1]), np.array([0.7, 0.25, 0.05])


def studies(shared, seed):
    """Lengths and edits of both arms, (lines, studies), and the true differences.

    shared: the share of lines that are as hard for the candidate as for stable; the others are
    drawn anew from OTHER.
    """
    random = np.random.default_rng(seed)
    size = (LINES, STUDIES)
    length = random.choice(LENGTHS, size=size, p=OF_LENGTH)
    stable = random.choice(3, size=size, p=STABLE)
    anew = random.choice(3, size=size, p=OTHER)
    candidate = np.where(random.random(size) < shared, stable, anew)
    edits = [random.binomial(length, ERRORS[hard]).astype(float) for hard in (stable, candidate)]
    gain = (1 - shared) * (STABLE - OTHER)
    whole = (OF_LENGTH @ (1 - ERRORS[None, :]) ** LENGTHS[:, None]) @ -gain
    return length.astype(float), *edits, {"cer": ERRORS @ gain, "line": whole, "ned": ERRORS @ gain}


@pytest.mark.parametrize(("shared", "seed"), [(1.0, 1), (0.8, 2), (0.0, 3)])
def test_the_paired_intervals_hold_the_truth_as_often_as_they_say(shared, seed):
    """1,000 studies of 500 lines with known truth: arms alike, a little and much better."""
    length, stable, candidate, truth = studies(shared, seed)
    one = np.ones_like(length)
    ratios = {
        "cer": (stable - candidate, length),
        "line": (1.0 * (candidate == 0) - (stable == 0), one),
        "ned": ((stable - candidate) / length, one),
    }
    for name, (over, under) in ratios.items():
        low, high = ratio_intervals(over, under)
        share = ((low <= truth[name]) & (truth[name] <= high)).mean()
        print(f"{name}, {shared:.0%} shared: {share:.1%} of intervals hold {truth[name]:+.4f}")
        assert 0.93 <= share <= 0.97, name


def made(n=80, seed=5):
    """Marks of two arms that differ."""
    random = np.random.default_rng(seed)
    truths = ["".join(random.choice(list("abcde"), size=8)) for _ in range(n)]

    def read(share):
        return ["".join(c if random.random() > share else "x" for c in text) for text in truths]

    columns = zip(read(0.05), read(0.02), strict=True)
    return Marks.of(zip(truths, columns, strict=True), 2)


def test_a_difference_is_of_the_same_intervals():
    """What the simulation measures is what a report says, figure by figure."""
    marks = made()
    found = difference(marks, 0, 1)
    low, high = ratio_intervals(
        (marks.edits[:, 0] - marks.edits[:, 1])[:, None], marks.length[:, None]
    )
    assert (found.cer.low, found.cer.high) == pytest.approx((low[0], high[0]))
    cer = 1 - marks.edits.sum(axis=0) / marks.length.sum()
    assert found.cer.value == pytest.approx(cer[1] - cer[0])
    assert found.line.value == pytest.approx(np.diff(marks.right.mean(axis=0))[0])
    assert found.ned.value == pytest.approx(-np.diff(marks.distance.mean(axis=0))[0])


def test_the_other_way_round_everything_changes_its_sign():
    there, back = difference(made(), 0, 1), difference(made(), 1, 0)
    for name in ("cer", "line", "ned"):
        one, other = getattr(there, name), getattr(back, name)
        assert one.value == pytest.approx(-other.value)
        assert one.low == pytest.approx(-other.high)
        assert one.side == -other.side
    assert there.whole.p == back.whole.p


def test_pairs_tell_more_than_two_samples_would():
    """Lines that are hard for both: the paired interval is less than half as wide."""
    length, stable, candidate, _ = studies(0.95, 4)
    length, stable, candidate = (column[:, :1] for column in (length, stable, candidate))
    low, high = ratio_intervals(stable - candidate, length)
    each = [np.ptp(ratio_intervals(edits, length)) for edits in (stable, candidate)]
    print(f"paired {high[0] - low[0]:.4f}, two samples {np.hypot(*each):.4f}")
    assert high[0] - low[0] < np.hypot(*each) / 2


def test_where_no_line_differs_the_interval_is_not_nothing():
    """Others may differ: of 50 lines that did not, up to 7 % (Wilson)."""
    found = difference(Marks.of([("abc", ("abc", "abc"))] * 50, 2), 0, 1)
    assert found.cer.value == 0
    assert found.cer.low == pytest.approx(-0.0714, abs=1e-3)
    assert found.cer.high == -found.cer.low
    assert found.cer.side == 0
    assert found.whole.p == 1


def test_a_handful_of_lines_has_no_interval_and_no_line_has_nothing():
    found = difference(Marks.of([("abc", ("abc", "abx"))] * 4, 2), 0, 1)
    assert found.cer.value == pytest.approx(-1 / 3)
    assert found.cer.low is found.cer.high is None
    assert found.cer.side == 0
    assert difference(Marks.of([], 2), 0, 1) is None


def test_mcnemar_rejects_at_most_as_often_as_it_says():
    """100,000 studies of 500 lines where both arms are equally good, a tenth in dispute."""
    random = np.random.default_rng(6)
    disputed = random.binomial(500, 0.1, size=100_000)
    one = random.binomial(disputed, 0.5)
    rejected = (mcnemar(one, disputed - one) <= 0.05).mean()
    print(f"McNemar rejects {rejected:.2%} under equality")
    assert 0.02 <= rejected <= 0.05


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_exact_binomial_test(one, other):
    if one + other:
        expected = stats.binomtest(one, one + other).pvalue
        assert mcnemar(one, other) == pytest.approx(expected)
    assert mcnemar(one, other) == mcnemar(other, one)


def test_marks_are_counts_of_edits():
    marks = Marks.of([("abcd", ("abcd", "abxd")), ("ab", ("", "abc"))], 2)
    assert marks.edits.tolist() == [[0, 1], [2, 1]]
    assert marks.right.tolist() == [[1, 0], [0, 0]]
    assert marks.distance.ravel().tolist() == pytest.approx([0, 0.25, 1, 1 / 3])
    assert (marks.sums(1).edits, marks.sums(1).length, marks.sums(1).right) == (2, 6, 0)
    assert len(marks.at([1])) == 1


def test_sign_flips_of_ones_are_mcnemar():
    """Edits of one character, each in another line: the two tests are the same."""
    for one, other in ((0, 0), (5, 0), (12, 3), (40, 41)):
        differences = np.array([1.0] * one + [-1.0] * other + [0.0] * 9)
        assert sign_flip(differences) == pytest.approx(mcnemar(one, other))


@given(st.lists(st.integers(-6, 6), min_size=1, max_size=8))
def test_sign_flips_are_all_of_them(differences):
    """Counted one by one."""
    seen = np.array(differences, float)
    signs = np.array(list(itertools.product((-1, 1), repeat=len(seen)))).reshape(-1, len(seen))
    expected = (np.abs(signs @ np.abs(seen)) >= abs(seen.sum())).mean()
    assert sign_flip(seen) == pytest.approx(expected)


def test_sign_flips_of_many_have_their_limit(monkeypatch):
    differences = np.random.default_rng(7).integers(-4, 5, size=2_000).astype(float)
    exact = sign_flip(differences)
    monkeypatch.setattr(paired, "_EXACT", 0)
    assert sign_flip(differences) == pytest.approx(exact, abs=0.01)


def equal_arms(lines, seed, count=STUDIES):
    """Lengths (count, lines) and edits (count, lines, 2) of arms that err on different lines."""
    random = np.random.default_rng(seed)
    length = random.choice(LENGTHS, size=(count, lines), p=OF_LENGTH)
    hard = random.choice(3, size=(count, lines, 2), p=STABLE)
    edits = random.binomial(length[..., None], ERRORS[hard])
    return length.astype(float), edits.astype(float)


def test_sign_flips_reject_at_most_as_often_as_they_say():
    """1,000 studies of 500 lines and two equal arms."""
    _, edits = equal_arms(500, 8)
    rejected = np.mean([sign_flip(one[:, 0] - one[:, 1]) <= ALPHA for one in edits])
    print(f"sign flips reject {rejected:.1%} under equality")
    assert 0.035 <= rejected <= 0.065  # 5 %, and two standard errors of 1,000 studies


def test_few_lines_call_no_arm_better_too_often():
    """300 studies of 25 lines, of which the arms differ on a few: resampling alone would."""
    called = alone = 0
    for length, edits in zip(*equal_arms(25, 9, 300), strict=True):
        right = (edits == 0).astype(float)
        found = difference(Marks(length, edits, right, edits / length[:, None]), 0, 1)
        called += found.side != 0
        alone += found.cer.side != 0
    print(f"of 25 lines: {called / 300:.1%} called better, by the interval alone {alone / 300:.1%}")
    assert called <= alone
    assert called / 300 <= 0.075  # two standard errors
