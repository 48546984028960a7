"""How often the figures about reviews are wrong: measured, on streams of which the truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ocr_rollout.core.counts import Pairs
from ocr_rollout.core.intervals import characters_right, paired, two_arms, wilson
from ocr_rollout.core.limits import ReviewLimits
from ocr_rollout.core.review import log_e_arms, log_e_disputes, peak, review
from ocr_rollout.core.reviews import Disputes, Lines, Reviews

RUNS = 2_000
LIMITS = ReviewLimits(min_reviewed=1, margin=0.05, binding=True)


def lines(n: int, right: int) -> Lines:
    """Wrong ones of one edit in ten characters."""
    return Lines(n, right, n - right, 10 * n)


def rng() -> np.random.Generator:
    return np.random.default_rng(6)


def covered(name: str, hits: float) -> float:
    print(f"{name}: {hits:.1%} of {RUNS}")
    return hits


@pytest.mark.parametrize(("p", "n"), [(0.5, 40), (0.9, 100), (0.97, 100), (0.9, 1_000)])
def test_wilsons_interval_holds_the_share(p, n):
    """In 95 % of studies, give or take what a whole number of lines leaves."""
    found = [wilson(int(s), n) for s in rng().binomial(n, p, RUNS)]
    assert covered(f"wilson {p} {n}", np.mean([e.low <= p <= e.high for e in found])) > 0.93


@pytest.mark.parametrize(
    ("p0", "p1", "n0", "n1"), [(0.9, 0.9, 100, 100), (0.95, 0.8, 60, 200), (0.9, 0.92, 500, 50)]
)
def test_the_interval_of_two_arms_holds_the_difference(p0, p1, n0, n1):
    generator = rng()
    drawn = zip(generator.binomial(n0, p0, RUNS), generator.binomial(n1, p1, RUNS), strict=True)
    found = [two_arms(lines(n0, int(a)), lines(n1, int(b))) for a, b in drawn]
    hits = np.mean([e.low <= p1 - p0 <= e.high for e in found])
    assert covered(f"two arms {p0} {p1}", hits) > 0.93


@pytest.mark.parametrize(
    ("images", "q", "b", "c"),
    [(5_000, 0.05, 0.3, 0.3), (800, 0.1, 0.6, 0.2), (2_000, 0.02, 0.1, 0.7)],
)
def test_the_interval_of_disputes_holds_the_difference(images, q, b, c):
    """Half of the disputes are reviewed."""
    generator, hits = rng(), 0
    for disputed in generator.binomial(images, q, RUNS):
        n = max(1, int(disputed) // 2)
        ours, theirs, _ = generator.multinomial(n, [b, c, 1 - b - c])
        found = paired(Disputes(n, int(ours), int(theirs)), images=images, disputed=int(disputed))
        hits += found.low <= q * (b - c) <= found.high
    assert covered(f"disputes {q} {b} {c}", hits / RUNS) > 0.93


@pytest.mark.parametrize("n", [60, 300])
def test_the_interval_of_characters_holds_the_accuracy(n):
    """Lines differ in length, and a bad one is bad as a whole."""
    generator, hits, runs = rng(), 0, 1_000
    mean_cer = (0.7 * 0.0 + 0.3 * 0.25) * 1  # 30 % of lines lose a quarter of their characters
    for _ in range(runs):
        lengths = generator.integers(3, 30, n)
        bad = generator.random(n) < 0.3
        edits = generator.binomial(lengths, np.where(bad, 0.25, 0.0))
        total = sum(
            (Lines.of(int(e), int(k)) for e, k in zip(edits, lengths, strict=True)), Lines()
        )
        found = characters_right(total)
        hits += found.low <= 1 - mean_cer <= found.high
    print(f"characters {n}: {hits / runs:.1%}")
    assert hits / runs > 0.92


def test_without_an_edit_the_interval_is_not_a_point():
    """Ten right lines do not prove that all are."""
    found = characters_right(sum((Lines.of(0, 8) for _ in range(10)), Lines()))
    assert found.value == found.high == 1
    assert found.low < 0.8


def worst_false(p0: float, p1: float, *, at_most: bool, alpha: float, runs: int) -> float:
    """Share of streams of 400 lines that are ever refuted, looked at after every fourth line.

    Whose line is reviewed next depends on all that was seen: the arm with the worse record, as
    somebody might who hunts for a difference.
    """
    generator, wrong = rng(), 0
    for _ in range(runs):
        n, s = [0, 0], [0, 0]
        for k in range(400):
            shares = [(s[a] + 1) / (n[a] + 2) for a in (0, 1)]
            arm = int(shares[1] < shares[0]) if k % 2 else k // 2 % 2
            n[arm] += 1
            s[arm] += generator.random() < (p0, p1)[arm]
            if k % 4 == 0 and k > 20:
                found = log_e_arms(lines(n[0], s[0]), lines(n[1], s[1]), 0.05, at_most=at_most)
                if found >= math.log(1 / alpha):
                    wrong += 1
                    break
    print(f"{p0} {p1} at_most={at_most}: {wrong / runs:.2%} of {runs}")
    return wrong / runs


@pytest.mark.slow
@pytest.mark.parametrize("p0", [0.95, 0.6])
@pytest.mark.parametrize("at_most", [True, False])
def test_looking_all_the_time_makes_no_false_alarm(p0, at_most):
    """At exactly the margin, the hardest place: alpha holds over all looks together."""
    assert worst_false(p0, p0 - 0.05, at_most=at_most, alpha=0.05, runs=150) <= 0.05


def test_disputes_looked_at_all_the_time_make_no_false_alarm():
    generator, wrong, runs = rng(), 0, 300
    for _ in range(runs):
        kinds = generator.choice(3, 300, p=[0.3, 0.4, 0.3])  # c - b = 0.1 exactly
        b, c = np.cumsum(kinds == 0), np.cumsum(kinds == 1)
        wrong += any(
            log_e_disputes(Disputes(k, int(b[k - 1]), int(c[k - 1])), 0.1, at_most=True)
            >= math.log(20)
            for k in range(5, 300, 5)
        )
    print(f"disputes: {wrong / runs:.2%} of {runs}")
    assert wrong / runs <= 0.05


def test_a_much_worse_candidate_is_found_out_by_disputes_sooner():
    """5 % of images in dispute, of which stable alone is right in 80 %: 80 reviews will do."""
    pairs = Pairs(both_fine=20_000, equal=19_000)
    alone = Reviews(disputes={"print": Disputes(80, 8, 64)})
    found = review(ReviewLimits(margin=0.01), alone, pairs, alpha=0.01)
    assert (found.status, found.samples) == ("FAIL", 80)
    arms = Reviews({"print": lines(400, 380)}, {"print": lines(400, 366)})
    assert review(ReviewLimits(margin=0.01), arms, pairs, alpha=0.01).status == "INCONCLUSIVE"


def test_few_disputes_show_that_nothing_is_lost():
    """Where the arms agree on 99.5 % of images, neither can be worse by 2 %."""
    found = review(
        ReviewLimits(min_reviewed=5, margin=0.02),
        Reviews(disputes={"print": Disputes(5, 2, 2)}),
        Pairs(both_fine=5_000, equal=4_975),
        alpha=0.01,
    )
    assert found.status == "PASS"


counts = st.integers(0, 300)


@given(n0=counts, s0=counts, n1=counts, s1=counts, margin=st.floats(0.001, 0.5))
@settings(max_examples=300, deadline=None)
def test_a_difference_is_never_both_surely_larger_and_surely_smaller(n0, s0, n1, s1, margin):
    assume(s0 <= n0 and s1 <= n1)
    stable, candidate = lines(n0, s0), lines(n1, s1)
    both = [log_e_arms(stable, candidate, margin, at_most=way) for way in (True, False)]
    assert min(both) <= 1e-9
    assert not any(math.isnan(value) for value in both)


@given(n=st.integers(1, 200), b=counts, c=counts, margin=st.floats(0.001, 0.9))
@settings(max_examples=300, deadline=None)
def test_nor_are_disputes(n, b, c, margin):
    assume(b + c <= n)
    both = [log_e_disputes(Disputes(n, b, c), margin, at_most=way) for way in (True, False)]
    assert min(both) <= 1e-9
    assert not any(math.isnan(value) for value in both)


@given(n0=st.integers(1, 100), n1=st.integers(1, 100), data=st.data())
@settings(max_examples=100, deadline=None)
def test_the_maximum_of_the_null_is_found(n0, n1, data):
    """By golden sections as on a fine grid."""
    s0, s1 = data.draw(st.integers(0, n0)), data.draw(st.integers(0, n1))
    margin = data.draw(st.floats(0.01, 0.4))

    def likelihood(p):
        parts = ((s0, p + margin), (n0 - s0, 1 - p - margin), (s1, p), (n1 - s1, 1 - p))
        return sum(k * math.log(q) if q > 0 else -math.inf for k, q in parts if k)

    grid = max(map(likelihood, np.linspace(0, 1 - margin, 4_001)))
    assert peak(likelihood, 0.0, 1 - margin) >= grid - 1e-9


@given(a=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 20)), max_size=20))
@settings(max_examples=50, deadline=None)
def test_reviews_add_up_and_can_be_taken_back(a):
    """Whatever was added and taken back again leaves nothing."""
    from ocr_rollout.core.reviews import from_record, to_record

    record: dict[str, int] = {}
    for edits, length in a:
        for back in (False, True):
            for name, n in to_record("print", Lines.of(edits, length), back=back).items():
                record[name] = record.get(name, 0) + n
    assert from_record(Lines, record) in ({}, {"print": Lines()})


def median_arms(p0: float, p1: float, margin: float, *, fail: bool) -> int | None:
    """Lines of each arm until the verdict, in half of 40 streams; None: not within 5,000."""
    generator, found = rng(), []
    looks = np.unique(np.geomspace(10, 5_000, 60).astype(int))
    for _ in range(40):
        right = [np.cumsum(generator.random(5_000) < p) for p in (p0, p1)]
        found.append(math.inf)
        for n in looks:
            arms = [lines(int(n), int(s[n - 1])) for s in right]
            limit = math.log(2 / (0.01 if fail else 0.05))
            if log_e_arms(*arms, margin, at_most=fail) >= limit:
                found[-1] = n
                break
    middle = float(np.median(found))
    return None if math.isinf(middle) else round(middle)


def median_disputes(q: float, b: float, c: float, margin: float, *, fail: bool) -> int | None:
    """Disputes reviewed until the verdict, with 20,000 images that both arms read."""
    generator, found = rng(), []
    pairs = Pairs(both_fine=20_000, equal=round(20_000 * (1 - q)))
    looks = np.unique(np.geomspace(5, 1_000, 60).astype(int))
    wanted = "FAIL" if fail else "PASS"
    for _ in range(40):
        kinds = generator.choice(3, 1_000, p=[b, c, 1 - b - c])
        found.append(math.inf)
        for n in looks:
            seen = Disputes(int(n), int(np.sum(kinds[:n] == 0)), int(np.sum(kinds[:n] == 1)))
            limits = ReviewLimits(min_reviewed=1, margin=margin)
            verdict = review(limits, Reviews(disputes={"x": seen}), pairs, alpha=0.01)
            if verdict.status == wanted:
                found[-1] = n
                break
    middle = float(np.median(found))
    return None if math.isinf(middle) else round(middle)


@pytest.mark.slow
def test_how_many_reviews_it_takes():
    """The table of docs/decisions/review.md: disputes say the same with far fewer reviews."""
    for margin in (0.02, 0.05):
        for p1 in (0.93, 0.9, 0.8, 0.7):
            fail, passed = (median_arms(0.9, p1, margin, fail=way) for way in (True, False))
            print(f"arms, 90 % and {p1:.0%}, margin {margin:.0%}: FAIL {fail}, PASS {passed}")
    for q, b, c in ((0.05, 0.4, 0.4), (0.05, 0.6, 0.2), (0.05, 0.1, 0.8), (0.15, 0.1, 0.8)):
        for margin in (0.01, 0.02):
            fail, passed = (median_disputes(q, b, c, margin, fail=way) for way in (True, False))
            worse = q * (c - b)
            print(
                f"disputes {q:.0%}, worse by {worse:+.1%}, margin {margin:.0%}: FAIL {fail}, PASS {passed}"
            )
    assert median_arms(0.9, 0.7, 0.05, fail=True) < 500
    assert median_disputes(0.05, 0.1, 0.8, 0.01, fail=True) < 150
    assert median_disputes(0.05, 0.4, 0.4, 0.02, fail=False) < 150
