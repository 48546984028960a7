"""What the figures allow to say, and what a program is told of it."""

import pytest
from made_readings import ARMS, answer, read

from ocr_evaluation.cli import exit_code
from ocr_evaluation.labels import Line
from ocr_evaluation.paired import Difference, Gain, Whole
from ocr_evaluation.reading import Read
from ocr_evaluation.verdict import judge, lines_needed, said
from ocr_rollout.core.routing import Arm

SAME, FIVE = Gain(0.0, -0.01, 0.01), Whole(3, 2, 1.0)


def found(value, low, high, whole=FIVE, n=500, p=0.04):
    return Difference(n, Gain(value, low, high), p, SAME, SAME, whole)


JUDGED = [
    # difference of 1-CER and its interval, allowed -> status
    (0.02, 0.01, 0.03, 0.01, "PASS"),
    (0.0, -0.009, 0.009, 0.01, "PASS"),  # not better, and not worse by as much as allowed
    (0.0, -0.02, 0.02, 0.01, "INCONCLUSIVE"),  # too few lines to rule it out
    (-0.02, -0.03, -0.01, 0.01, "FAIL"),
    (-0.02, -0.05, 0.01, 0.01, "FAIL"),  # measured worse than allowed, if only just
    (-0.005, -0.009, -0.001, 0.01, "PASS"),  # worse for certain, and within what is allowed
    (0.5, None, None, 0.01, "INCONCLUSIVE"),  # a handful of lines proves nothing
    (-0.001, -0.01, 0.01, 0.0, "FAIL"),
    (0.02, 0.01, 0.03, None, "PASS"),
    (-0.02, -0.03, -0.01, None, "FAIL"),
    (0.0, -0.01, 0.01, None, "INCONCLUSIVE"),
]


@pytest.mark.parametrize(("value", "low", "high", "allowed", "status"), JUDGED)
def test_a_candidate_is_judged_by_what_is_allowed(value, low, high, allowed, status):
    verdict = judge("old:1", "new:2", found(value, low, high), allowed)
    assert (verdict.status, verdict.observed, verdict.n) == (status, value, 500)
    if allowed is not None:
        assert f"{allowed:g}" in verdict.why


def test_no_line_is_no_success():
    verdict = judge("old:1", "new:2", None, 1.0)
    assert (verdict.status, verdict.observed, verdict.n) == ("ERROR", None, 0)


def test_it_is_said_which_one_reads_better_and_how_surely():
    assert said("old:1", "new:2", found(0.02, 0.01, 0.03)).startswith(
        "new:2 reads better than old:1: the 1-CER of new:2 less that of old:1 is +0.0200"
        " (95 %: +0.0100 to +0.0300; p = 0.04) at n = 500."
    )
    assert said("old:1", "new:2", found(-0.02, -0.03, -0.01)).startswith("old:1 reads better")


def test_an_interval_that_the_exact_test_does_not_bear_out_says_nothing():
    assert "cannot be told" in said("old:1", "new:2", found(0.02, 0.01, 0.03, p=0.06))
    assert judge("old:1", "new:2", found(0.02, 0.01, 0.03, p=0.06), None).status == "INCONCLUSIVE"


def test_it_is_said_that_it_cannot_be_told_and_what_it_would_take():
    text = said("old:1", "new:2", found(0.01, -0.01, 0.03))
    assert text.startswith("Which one reads better cannot be told at n = 500")
    assert "would take some 4,000 lines" in text
    assert "of 5 lines" not in text
    assert "Of 5 lines that only one of them read whole, new:2 has 3 and old:1 2" in text
    assert lines_needed(Gain(0.0, -1, 1), 500) is None


def test_both_alike_is_not_said_to_be_equal():
    text = said("old:1", "new:2", found(0.0, -0.007, 0.007, whole=Whole(0, 0, 1.0)))
    assert "cannot be told" in text
    assert "both read the same ones" in text


RIGHT = [read("abcdef", "abcdef", "abcdef")] * 400
WORSE = [*RIGHT, *[read("abcdef", "abcdef", "xxxxxx")] * 40]
FEW = RIGHT[:20]
LOST = [*RIGHT, read("ab", "ab", None)]
LABELS = [("no image", "row 3: b.png: no such image")]
CODES = [
    # what was read, and how -> exit code
    (RIGHT, {}, 0),
    (RIGHT, {"allowed": 0.01}, 0),
    (WORSE, {}, 0),  # nobody asked for a limit
    (WORSE, {"allowed": 0.01}, 3),
    (WORSE, {"allowed": 0.2}, 0),
    (FEW, {"allowed": 0.01}, 4),
    (FEW, {}, 0),
    (LOST, {"allowed": 0.01}, 1),
    ([*WORSE, *LOST], {"allowed": 0.01}, 3),
    (RIGHT, {"problems": LABELS}, 1),
    (RIGHT, {"problems": [("no label", "c.png has no row")]}, 0),
    ([read("ab", None, "ab")], {}, 1),
    (WORSE, {"unread": 5, "allowed": 0.01}, 130),
]


@pytest.mark.parametrize(("reads", "how", "code"), CODES)
def test_the_exit_code_says_the_worst_that_is_known(tested, reads, how, code):
    assert exit_code(tested(reads, **how), how.get("allowed")) == code


def test_of_several_candidates_one_that_is_worse_is_enough(tested):
    arms = (*ARMS, Arm("bad", 1))
    reads = [read("abcdef", "abcdef", "abcdef", "xbcdef")] * 400
    test = tested(reads, allowed=0.01, arms=arms)
    assert [verdict.status for verdict in test.verdicts] == ["PASS", "FAIL"]
    assert exit_code(test, 0.01) == 3


def test_nothing_read_measures_nothing(tested):
    with pytest.raises(ValueError, match="no line"):
        tested([])


def test_what_is_read_is_what_is_counted(tested):
    """Partial, failed and left out stand in the document, each with its number."""
    test = tested([*RIGHT, *LOST[-1:]], unread=9, problems=LABELS)
    document = test.to_json()
    assert document["lines"] == {"labelled": 410, "asked": 401, "n": 400}
    assert document["partial"] is True
    assert document["complete"] is False
    assert document["problems"]["counts"]["no image"] == 1
    assert document["failures"] == [
        {
            "file": "a.png",
            "arm": "new:2",
            "error": "the connection broke",
            "name": "ConnectionLostError",
            "owner": "network",
        }
    ]


def test_an_answer_that_is_empty_is_an_answer(tested):
    """It counts as a line read wrong, not as one that failed."""
    line = Line("a.png", "ab", "print")
    test = tested([Read(line, (answer("ab"), answer("", kind="empty")))])
    assert test.groups[0].n == 1
    assert test.groups[0].arms[1].cer.value == 0
