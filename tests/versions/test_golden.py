"""Golden lines: how a reading is scored, and what a version may get wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocr_client.versions.errors import RepositoryError
from ocr_client.versions.golden import (
    GoldenLine,
    GoldenSet,
    Score,
    Tolerance,
    distance,
    judge,
    score,
)

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("left", "right", "edits"),
    [("", "", 0), ("abc", "", 3), ("", "ab", 2), ("kitten", "sitting", 3), ("版本", "板本", 1)],
)
def test_edit_distance(left, right, edits):
    assert distance(left, right) == distance(right, left) == edits


def test_spaces_and_widths_do_not_count_and_case_does():
    """NFKC without white space, as the accuracies in meta.json."""
    golden = GoldenSet(Path(), tuple(GoldenLine(Path(), text) for text in ("ＡＢ c", "x")))
    found = score("a:1", golden, ["AB C", "x"])
    assert (found.edits, found.characters, found.cer) == (1, 4, 0.25)


def of(edits, arm="crnn:2"):
    return Score(arm, edits, 100, ())


@pytest.mark.parametrize(
    ("found", "reference", "passed", "words"),
    [
        (20, None, True, "CER 20.0% on 100 golden characters (limit 20.0%)"),
        (21, None, False, "CER 21.0% on 100 golden characters, the limit is 20.0%"),
        (15, 10, True, "CER 15.0% on 100 golden characters, crnn:1 has 10.0% (limit 15.0%)"),
        (16, 10, False, "crnn:1 has 10.0%, so at most 15.0% is accepted"),
        (0, 90, True, "(limit 20.0%)"),
        (21, 90, False, "the limit is 20.0%"),
    ],
)
def test_limit_and_margin(found, reference, passed, words):
    verdict = judge(of(found), None if reference is None else of(reference, "crnn:1"), Tolerance())
    assert verdict.passed is passed
    assert words in verdict.reason


def test_the_samples_are_a_golden_set():
    golden = GoldenSet.read(ROOT / "samples")
    assert (len(golden.lines), golden.characters) == (10, 117)


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (None, "no such file or directory; name a folder"),
        ("file\ttext\n", "not one character"),
        ("file\ttext\na.png\t\n", "a.png is missing"),
        ("file\ttext\na.png\n", "line 2: no file or no text"),
        ("name\tword\na.png\tx\n", "line 2: no file or no text"),
        (b"file\ttext\n\xff\xfe\n", "not UTF-8"),
    ],
)
def test_a_golden_set_that_is_none_is_refused(tmp_path, labels, reason):
    if labels is not None:
        raw = labels if isinstance(labels, bytes) else labels.encode()
        (tmp_path / "labels.tsv").write_bytes(raw)
    with pytest.raises(RepositoryError, match=reason):
        GoldenSet.read(tmp_path)


def test_a_quotation_mark_is_a_character(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    (tmp_path / "labels.tsv").write_text('file\ttext\na.png\t"so" he said\n')
    assert GoldenSet.read(tmp_path).lines[0].text == '"so" he said'
