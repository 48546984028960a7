"""Two texts edit by edit: the marks are the distance that is counted."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_evaluation.report.marking import LONGEST, Part, edits, marked
from ocr_rollout.core.texts import edit_distance, plain

# Few letters, so that they meet; spaces, full width, a ligature, a sign that becomes two letters.
TEXTS = st.text("abＡ发票 \u3000ﬁ㎏́", max_size=12)


@given(TEXTS, TEXTS)
def test_as_many_edits_as_the_distance_and_not_a_character_lost(stable, candidate):
    parts = marked(stable, candidate)
    assert edits(parts) == edit_distance(plain(stable), plain(candidate))
    for role, text in (("stable", stable), ("candidate", candidate)):
        shown = "".join(getattr(part, role) for part in parts)
        assert shown.split() == unicodedata.normalize("NFKC", text).split()


@pytest.mark.parametrize(
    ("stable", "candidate", "parts"),
    [
        ("", "", ()),
        ("发票", "发票", (Part("same", "发票", "发票"),)),
        (
            "发票号",
            "发栗号",
            (Part("same", "发", "发"), Part("changed", "票", "栗"), Part("same", "号", "号")),
        ),
        (
            "12.5%",
            "125%",
            (Part("same", "12", "12"), Part("missing", ".", ""), Part("same", "5%", "5%")),
        ),
        ("", "ab", (Part("added", "", "ab"),)),
        ("NO. 7", "NO.7", (Part("same", "NO. 7", "NO.7"),)),
        ("ＡＢ", "AB", (Part("same", "AB", "AB"),)),
    ],
)
def test_edits_in_their_order(stable, candidate, parts):
    assert marked(stable, candidate) == parts


def test_a_text_beyond_measure_is_one_edit():
    """Its table would be as large as the square of it."""
    long = "x" * (LONGEST + 1)
    assert [part.kind for part in marked(long, long)] == ["same"]
    assert [part.kind for part in marked(long, "y")] == ["changed"]
