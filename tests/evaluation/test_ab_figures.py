"""What is figured from the readings: of which lines, under which normalisation, in which slices."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_readings import ARMS, answer, read

from ocr_evaluation.figures import HEIGHTS, groups
from ocr_evaluation.labels import DatasetError, Line
from ocr_evaluation.reading import Read
from ocr_evaluation.words import Wording, script, table

PLAIN = Wording()


def named(found):
    return {(group.sort, group.name): group for group in found}


def test_figures_are_of_the_lines_that_every_arm_has_read():
    """A line that one arm failed on says nothing of the difference; it is counted."""
    found = groups(
        [read("ab", "ab", "xx"), read("ab", None, "ab"), read("cd", "cd", "cd")], 2, PLAIN
    )
    everything = found[0]
    assert (everything.lines, everything.n, everything.failed) == (3, 2, (1, 0))
    assert [arm.line.value for arm in everything.arms] == [1.0, 0.5]
    assert everything.arms[1].cer.value == pytest.approx(0.5)
    assert everything.differences[0].whole.stable_only == 1


def test_each_category_has_its_own_and_one_that_nobody_read_is_there_too():
    rows = [read("ab", "ab", "ab"), read("ab", "ab", None, category="sign")]
    found = named(groups(rows, 2, PLAIN))
    assert found["category", "print"].n == 1
    sign = found["category", "sign"]
    assert (sign.lines, sign.n, sign.failed) == (1, 0, (0, 1))
    assert sign.to_json(ARMS)["arms"] == {}


@given(st.lists(st.tuples(st.text("ab", min_size=1, max_size=4), st.booleans(), st.booleans())))
def test_no_line_is_dropped(rows):
    """Of any group: n and the lines that an arm failed on are all of them."""
    reads = [
        read(truth, truth if one else None, "a" if other else None, category=truth[0])
        for truth, one, other in rows
    ]
    for group in groups(reads, 2, PLAIN):
        missed = group.lines - group.n
        assert max(group.failed) <= missed <= sum(group.failed)
    kinds = [group for group in groups(reads, 2, PLAIN) if group.sort == "category"]
    assert sum(group.lines for group in kinds) == len(reads)


def test_case_is_ignored_where_that_was_asked_for_and_always_in_the_second():
    rows = [read("Total", "TOTAL", "Total", category="receipt"), read("Ab", "AB", "Ab")]
    strict = named(groups(rows, 2, PLAIN))
    eased = named(groups(rows, 2, Wording(frozenset({"receipt"}))))
    assert strict["category", "receipt"].arms[0].line.value == 0
    assert eased["category", "receipt"].arms[0].line.value == 1
    assert eased["category", "print"].arms[0].line.value == 0
    assert strict["all", "all"].arms[0].second_line == 1


def test_the_normalisations_stand_in_words_beside_the_figures():
    wording = Wording(frozenset({"receipt"}), {"國": "国"})
    assert wording.to_json() == {
        "normalisation": "NFKC, spaces removed, case kept (receipt: case ignored)",
        "second_normalisation": "also case-folded, punctuation dropped, traditional to simplified"
        " where known",
    }
    assert "no table given" in PLAIN.to_json()["second_normalisation"]


def test_lines_are_sliced_by_what_they_are_and_by_what_was_done_to_them():
    line = Line("a.png", "价税合计 12", "photo", "zh", ("blur", "dark"))
    rows = [Read(line, (answer("价", height=14), answer("价", height=14)))]
    assert list(named(groups(rows, 2, PLAIN))) == [
        ("all", "all"),
        ("category", "photo"),
        ("language", "zh"),
        ("length", "6 to 15 characters"),
        ("height", "below 16 px"),
        ("script", "Chinese"),
        ("slice", "blur"),
        ("slice", "dark"),
    ]


def test_heights_stand_from_low_to_high():
    line = Line("a.png", "a", "print")
    rows = [Read(line, (answer("a", height=high),) * 2) for high in (64, 63, 16, 15, 31, 500)]
    heights = [group for group in groups(rows, 2, PLAIN) if group.sort == "height"]
    assert [group.name for group in heights] == list(HEIGHTS)
    assert [group.n for group in heights] == [1, 2, 1, 2]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("发票", "Chinese"),
        ("Total", "Latin"),
        ("Ｔotal é", "Latin"),
        ("发票 No", "Chinese and Latin"),
        ("12.50￥", "digits and signs"),
        ("итого", "other letters"),
    ],
)
def test_a_script_is_told_from_letters(text, name):
    assert script(text) == name


def test_latency_confidence_and_checks_are_each_arms_own():
    line = Line("a.png", "ab", "print")
    rows = [
        Read(line, (answer("ab", time_ms=float(ms)), answer("", confidence=0.0, kind="empty")))
        for ms in range(1, 101)
    ]
    one, other = groups(rows, 2, PLAIN)[0].arms
    assert (one.p50_ms, one.p95_ms) == (pytest.approx(50.5), pytest.approx(95.05))
    assert (one.empty.value, other.empty.value) == (0, 1)
    assert (one.garbled.value, other.garbled.value) == (0, 0)
    assert one.calibration.error == pytest.approx(0.1)
    assert other.calibration.error == 0, "not sure at all, and wrong"


def test_a_table_of_variants_is_checked():
    assert table(b'{"simplified": {"\xe5\x9c\x8b": "\xe5\x9b\xbd"}}', "v.json") == {"國": "国"}
    for content in (b"", b"[]", b'{"simplified": 1}', b'{"simplified": {"ab": "c"}}', b"\xff"):
        with pytest.raises(DatasetError, match=r"v\.json: needs an object"):
            table(content, "v.json")
