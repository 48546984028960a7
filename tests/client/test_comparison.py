"""Two texts of one image: the edit distance, and what a pair is counted as."""

import random
import time

import pytest

from ocr_client.comparison import compared
from ocr_rollout.core.counts import Pairs
from ocr_rollout.core.texts import edit_distance, normalised_distance


def plainly(one, other):
    """The textbook's dynamic program."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        above, row = row, [i]
        for j, b in enumerate(other, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (a != b)))
    return row[-1]


def test_the_distance_is_the_textbooks():
    """On 2,000 random pairs of few and of many different letters, empty ones included."""
    chance = random.Random(4)
    for _ in range(2_000):
        letters = chance.choice(["ab", "abcdef", "发票号码0123 "])
        one, other = (
            "".join(chance.choices(letters, k=chance.choice([0, 1, 2, 7, 31, 33, 63, 65, 70])))
            for _ in range(2)
        )
        assert edit_distance(one, other) == plainly(one, other), (one, other)


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [("", "", 0), ("a", "", 1), ("", "ab", 1), ("abcd", "abxd", 0.25), ("ab", "cd", 1)],
)
def test_the_normalised_distance_is_by_the_longer_text(one, other, distance):
    """0 for equal ones, 1 for what has nothing in common."""
    assert normalised_distance(one, other) == distance


def test_a_long_pair_takes_no_time_to_speak_of():
    """A hundred times the plain program: an order of magnitude is asserted."""
    chance = random.Random(1)
    one, other = ("".join(chance.choices("abcdefgh", k=400)) for _ in range(2))

    def fastest(work):
        times = []
        for _ in range(3):
            started = time.perf_counter()
            work(one, other)
            times.append(time.perf_counter() - started)
        return min(times)

    quick, slow = fastest(edit_distance), fastest(plainly)
    print(f"edit distance of 400 and 400 characters: {quick * 1e6:.0f} us, plainly {slow:.3f} s")
    assert quick * 10 < slow


PAIRS = [
    # stable, its text, candidate, its text -> what is counted
    ("ok", "Total 1,50", "ok", "Total 1,50", Pairs(both_fine=1, equal=1)),
    ("ok", "Ｔotal 1", "ok", "Total1", Pairs(both_fine=1, equal=1)),  # NFKC, no white space
    ("ok", "abcd", "ok", "abcx", Pairs(both_fine=1, distance_milli=250)),
    ("ok", "a", "empty", "", Pairs(candidate_only=1)),
    ("ok", "a", "garbled", "?", Pairs(candidate_only=1)),
    ("ok", "a", "timeout", "", Pairs(candidate_only=1)),
    ("server_error", "", "ok", "a", Pairs(stable_only=1)),
    ("empty", "", "ok", "a", Pairs(stable_only=1)),
    ("empty", "", "empty", "", Pairs(both_bad=1)),
    ("ok", "a", "draining", "", None),
    ("client_fault", "", "client_fault", "", None),
    ("ok", "a", None, "", None),
]


@pytest.mark.parametrize(("stable", "one", "candidate", "other", "pair"), PAIRS)
def test_a_pair_is_counted_by_which_of_them_is_bad(stable, one, candidate, other, pair):
    """Texts count where both are fine; what was not tried in earnest is no pair."""
    assert compared(stable, one, candidate, other) == pair
